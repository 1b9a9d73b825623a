import type { RecordBatch } from './committed.ts'

/**
 * How much of a partition to fetch. The broker counts stored bytes, which may be a hundredth of the decompressed size:
 * one answer could fill the memory. So fetching starts with one record batch, the least that a broker returns, and
 * adapts to recent compression ratios; the current answer and the next one share the room.
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
