import type { RecordBatch } from './committed.ts'

/**
 * How much of a partition to ask for. The broker counts what is stored, which may be a hundredth of what comes out of
 * it: one answer would then fill the memory. So it begins with one record batch, which is the least that a broker
 * gives, and goes by what came out lately; the answer in hand and the next one share the room.
 */
export function fetchSize(most: number) {
  let stored = 0
  let out = 1
  return {
    count(bytes: number, batches: readonly RecordBatch[]) {
      for (const { length } of batches) stored += length
      out += bytes
      if (out < 8 * most) return
      stored /= 2
      out /= 2
    },
    bytes: () => Math.max(1, Math.round((most / 2) * Math.min(1, stored / out))),
  }
}
