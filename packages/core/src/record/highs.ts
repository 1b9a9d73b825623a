/** The highest event times of batches. */
import type { Batch } from './batch.ts'

const highs = new WeakMap<Batch, Float64Array>()

/** For each row of a batch, the highest event time before it in the batch. */
export function highsOf(batch: Batch): Float64Array {
  let made = highs.get(batch)
  if (made) return made
  made = new Float64Array(batch.rows.length)
  const others = batch.otherTimes ?? []
  let high = Number.NEGATIVE_INFINITY
  let other = 0
  for (let i = 0; i < made.length; i++) {
    for (; other < others.length && others[other]![0] <= i; other++) high = Math.max(high, others[other]![1])
    made[i] = high
    const time = batch.times?.[i]
    if (time !== undefined && time > high) high = time
  }
  highs.set(batch, made)
  return made
}

/** The highest event time of a batch, including records that are not rows; -Infinity: none. */
export function highOf(batch: Batch): number {
  let high = Number.NEGATIVE_INFINITY
  for (const time of batch.times ?? []) if (time > high) high = time
  for (const [, time] of batch.otherTimes ?? []) if (time > high) high = time
  return high
}
