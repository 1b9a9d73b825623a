/** Requests of sources that answer, while they are in the graph. */
import type { Answer } from '../connector/index.ts'
import type { Batch, Row } from '../record/index.ts'

/** What is wrong with a record. */
export type Fault = NonNullable<Answer['errors']>[number]

/** One request in the graph. */
export interface Request {
  readonly source: string
  readonly batch: Batch
  readonly partial: boolean
  /** By index in the batch. */
  readonly rows: (Row | undefined)[]
  /** Faults by index; absent until there is one, since most requests are small and valid. */
  errors: Map<number, Fault[]> | undefined
  /** Faults of records that could not be decoded, by position. */
  undecoded: Map<string | number, Fault[]> | undefined
  /** By index: it reached a stateful step or a sink; the others were dropped by a filter. */
  readonly passed: boolean[]
  failedLater: Map<number, Fault[]> | undefined
}
