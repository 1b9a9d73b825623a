/** The order of records in a batch, and its highest event times. */
import type { BadRecord, Batch } from './batch.ts'

const highs = new WeakMap<Batch, Float64Array>()

/** For each row of a batch, the highest event time before it in the batch. */
export function highsOf(batch: Batch): Float64Array {
  let made = highs.get(batch)
  if (made) return made
  made = new Float64Array(batch.rows.length)
  const { times, otherTimes: others = [] } = batch
  let high = Number.NEGATIVE_INFINITY
  let other = 0
  for (let i = 0; i < made.length; i++) {
    for (; other < others.length && others[other]![0] <= i; other++) high = Math.max(high, others[other]![1])
    made[i] = high
    if (times && times[i]! > high) high = times[i]!
  }
  highs.set(batch, made)
  return made
}

/** The highest event time of a batch, including records that are not rows; -Infinity: none. */
export function highOf(batch: Batch): number {
  let high = Number.NEGATIVE_INFINITY
  const { times } = batch
  // By index: an iterator would make an object for each time.
  for (let i = 0, n = times?.length ?? 0; i < n; i++) if (times![i]! > high) high = times![i]!
  for (const [, time] of batch.otherTimes ?? []) if (time > high) high = time
  return high
}

/** How many rows of its batch precede a bad record. */
export function rowsBefore({ before, position }: BadRecord, batch: Batch): number {
  if (before !== undefined) return before
  let low = 0
  let high = batch.rows.length
  if (typeof position !== 'number') return high
  while (low < high) {
    const middle = (low + high) >> 1
    const own = batch.positionAt(middle)
    if (typeof own !== 'number') return batch.rows.length
    if (own < position) low = middle + 1
    else high = middle
  }
  return low
}
