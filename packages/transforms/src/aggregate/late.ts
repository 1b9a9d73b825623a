/** How late records of a source may be. */
import type { StepContext } from '@millrace/core'

/** How far records of a source may be behind their lane, in ms. */
export function latenessOf({ times = {} }: StepContext): (source: string) => number {
  const bySource = new Map(
    Object.entries(times).map(([id, { maxOutOfOrderMs, arrival }]) => [
      id,
      arrival ? Number.POSITIVE_INFINITY : (maxOutOfOrderMs ?? Number.POSITIVE_INFINITY),
    ]),
  )
  return (source) => bySource.get(source) ?? Number.POSITIVE_INFINITY
}
