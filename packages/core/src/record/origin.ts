/** Where a row came from. */
import type { Batch } from './batch.ts'
import type { Json } from './json.ts'

/** A batch, and the source it came from. */
export interface Origin {
  readonly source: string
  readonly batch: Batch
  /**
   * The highest event time of its lane before it, ms UTC; -Infinity: none. Absent if the spec asks for no event time.
   */
  readonly high?: number
}

/** Where a result came from. */
export interface Result {
  readonly step: string
  readonly key: readonly Json[]
  readonly time?: number
}
