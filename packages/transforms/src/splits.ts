/** The split of records, for steps that keep memory separately for each split or depend on the order within splits. */
import type { Records } from '@millrace/core'

/** Reads the split of record i. A result has none and belongs to `''`. */
export function splitReader(records: Records): (i: number) => string {
  const { from, results } = records
  if (from.length === 1 && !results) {
    const { split } = from[0]!.batch
    return () => split
  }
  return (i) => records.origin(i)?.batch.split ?? ''
}
