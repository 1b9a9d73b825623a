/** Collections and tables of stores, and their rows. */

/** A collection or table that pipelines write. */
export interface CollectionLine {
  /** Its connection, or the `PIPELINE.ID` of a sink that names its store itself. */
  readonly place: string
  readonly collection: string
  readonly type: string
  readonly writtenBy: readonly string[]
  readonly columns: readonly DataColumn[]
  /** Its store answers queries. */
  readonly canQuery: boolean
}

/** A column, with its type as users write it. */
export interface DataColumn {
  readonly name: string
  readonly type: string
  /** Rows can be sorted by it. */
  readonly canSort: boolean
}

/** A value: numbers of the types integer and number as they are, all others as text with exactly their digits. */
export type DataCell = string | number | boolean | null

/** Something wrong with a query, at a place in its text. */
export interface QueryProblem {
  readonly clause: string
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  /** From and to which character. */
  readonly span?: readonly [number, number] | undefined
}

/** Rows of an answer, which is kept for a while so that all its pages are of one moment; or why there is none. */
export type DataPage =
  | { readonly problems: readonly QueryProblem[] }
  | {
      /** The answer, for its other pages. */
      readonly id: string
      /** When it was asked for, ms UTC. */
      readonly atMs: number
      /** The rows that are kept, which are the first ones. */
      readonly kept: number
      /** There are more. */
      readonly isCut: boolean
      readonly from: number
      readonly rows: readonly (readonly DataCell[])[]
    }
