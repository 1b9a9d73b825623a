/**
 * Queries of collections: typed, checked against the collection's record type before they run, and answered by the
 * store as far as it can answer exactly (`Query` of the contract); the rest runs here, within a bound.
 */
import type { Query } from '../connector/index.ts'
import type { Problem } from '../errors/index.ts'
import type { Aggregation, Comparison } from '../expression/index.ts'
import type { Row } from '../record/index.ts'
import type { Field, RecordType } from '../schema/index.ts'

/** A query as written. It runs in the order `unfold, within, where, set, group and outputs, sort, limit`. */
export interface QueryText {
  /** A wide document, which has one attribute a record, becomes one row an attribute. */
  readonly unfold?: boolean | undefined
  /** By field: an input of type `time_range`, or a range as text: `24h`, `2026-01-01/2026-02-01`. */
  readonly within?: Readonly<Record<string, string>> | undefined
  /** Conditions of which all must be true; one that reads an empty input is left out. */
  readonly where?: string | readonly string[] | undefined
  readonly set?: Readonly<Record<string, string>> | undefined
  readonly group?: readonly string[] | undefined
  readonly outputs?: Readonly<Record<string, string>> | undefined
  /** Fields; one with a leading minus in descending order. */
  readonly sort?: readonly string[] | undefined
  readonly limit?: number | undefined
  /** Reads all of a collection even if the store bills every read. */
  readonly scan?: boolean | undefined
}

/** The type of an input: a value that expressions read as `inputs.name`, or a range of time for `within`. */
export type InputType = Field | 'time_range'

/** From a time to before another, ms UTC. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

/** The values of inputs in their in-memory forms; null: empty. */
export type InputValues = Readonly<Record<string, unknown>>

/** How a wide document is written: the field that names an attribute, and those that form its value. */
export interface Unfolding {
  readonly name: string
  readonly value: readonly string[]
  /** The fields that are fields of the document itself. */
  readonly fields: readonly string[]
  /** The rows: those fields, the name of the attribute, and the fields of its value. */
  readonly rows: RecordType
}

/** A query whose problems are known. */
export interface CheckedQuery {
  readonly problems: readonly Problem[]
  /** The type of its rows; undefined: a problem leaves it open. */
  readonly output?: RecordType
  /** The inputs that must have a value. */
  readonly needs: ReadonlySet<string>
  /** The inputs it reads. */
  readonly reads: ReadonlySet<string>
  /** The fields that certainly have one value, for look-ups, if these inputs are empty. */
  looksUp(empty?: ReadonlySet<string>): readonly string[]
  /** The query with values for its inputs; only without problems. `nowMs`: for ranges such as `24h`. */
  bind(values: InputValues, nowMs: number): BoundQuery
}

/** A query that can be answered. */
export interface BoundQuery {
  readonly text: QueryText
  /** The type of the collection's documents, and of the rows. */
  readonly documents: RecordType
  readonly input: RecordType
  readonly output: RecordType
  readonly unfolding: Unfolding | undefined
  readonly conditions: readonly Condition[]
  readonly set: readonly { readonly name: string; readonly evaluate: (row: Row) => unknown }[]
  readonly grouped: Grouped | undefined
  readonly sort: NonNullable<Query['sort']>
  /** The fields of rows that expressions read. */
  readonly fields: readonly string[]
}

/** A condition on rows. */
export interface Condition {
  readonly test: (row: Row) => boolean
  readonly comparisons: readonly Comparison[]
}

/** Groups, and what is computed of each. */
export interface Grouped {
  readonly by: readonly string[]
  readonly aggregation: Aggregation
  /** The record that the aggregates read. */
  readonly input: RecordType
}
