import type { RecordBatch } from './committed.ts'

/**
 * How much of a partition to ask for. The broker counts what is stored, which may be a tenth of what comes out of it: one answer would then fill the memory. So it
 * begins with little and goes by what came out so far; the answer in hand and the next one share the room.
 */
export function fetchSize(most: number) {
  let [stored, out] = [1, 8]
  return {
    count(bytes: number, batches: readonly RecordBatch[]) {
      for (const { length } of batches) stored += length
      out += bytes
    },
    bytes: () => Math.max(1, Math.round((most / 2) * Math.min(1, stored / out))),
  }
}
