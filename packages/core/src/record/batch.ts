/** What a source yields. */
import type { Json } from './json.ts'
import type { Beside, Headers, WireText } from './wire.ts'

/**
 * One record's data: a plain object, of one shape per stage of the graph. Rows are frozen by contract: a step that
 * changes a row makes a new one. The in-memory form of each type is listed in packages/core/src/schema/type.ts.
 */
export type Row = Record<string, unknown>

/** A record that could not be decoded, or that failed in a step pushed down into its source. */
export interface BadRecord extends Beside {
  /** The record's own position, as from `Batch.positionAt`. */
  readonly position: string | number
  /** Its original bytes. */
  readonly bytes: Uint8Array
  /** A stable code of the error catalogue, e.g. `bad_date`. */
  readonly code: string
  /** The field at fault, if there is one. */
  readonly field?: string
  /** What is wrong, with the value, in one sentence. */
  readonly message?: string
  /** The id of the step it was pushed down from; absent: the decoding itself failed. */
  readonly step?: string
  /**
   * How many rows of its batch precede it in the split. Absent: those with a lower position, if positions are numbers;
   * otherwise all.
   */
  readonly before?: number
  /** The id it arrived with, its arrival (ms UTC), and the context for decoding it again: as in `Batch`. */
  readonly id?: string
  readonly arrival?: number
  readonly context?: Json
}

/**
 * Rows read together from one split, in order. May be empty, to advance the position or to report `caughtUp` or `end`.
 */
export interface Batch {
  /**
   * An ordered sequence of records: a partition, a shard, a file, one HTTP request. It is part of each record's id, so
   * it must be stable; where the positions of a split can repeat with different content, its name must identify the
   * content.
   */
  readonly split: string
  readonly rows: readonly Row[]
  /** Where to resume after this batch; small, constant in size. Absent: the split cannot be read twice. */
  readonly position?: Json
  /** The record's OWN position: stable text for its id, ordered in the split, independent of batch boundaries. */
  positionAt(i: number): string | number
  /**
   * The record's original bytes; valid until every write of it has returned. Absent: the row as JSON is used instead.
   */
  rawAt?(i: number): Uint8Array
  /**
   * The id a record arrived with, unique among all records of all pipelines (`recordId` makes such ids); the record
   * keeps it.
   */
  idAt?(i: number): string | undefined
  /**
   * What is needed in addition to its bytes, key and headers to decode record i again (its time); kept with dead
   * letters.
   */
  contextAt?(i: number): Json
  /** The same, if it is equal for all records of the batch (a CSV header). */
  readonly context?: Json
  /** The transport key of each row; undefined: it has none. */
  readonly keys?: readonly (WireText | undefined)[]
  /** The headers of row i, without those that are the stream's own (the id). Absent: no row has any. */
  headersAt?(i: number): Headers | undefined
  /** Whether row i stands for a record without a value. Absent: none does. */
  tombstoneAt?(i: number): boolean
  /** Arrival time of each row, ms UTC, if the system has one; NaN for a row without. See `arrivalOf`. */
  readonly arrivals?: Float64Array
  /** Event time of each row, ms UTC, if the spec asks for it. */
  readonly times?: Float64Array
  /**
   * Event times of records of the split that are not among the rows (bad ones, and those dropped by pushed-down
   * filters): how many rows precede it, ascending, and its time. They advance the watermark like any other.
   */
  readonly otherTimes?: readonly (readonly [before: number, time: number])[]
  /** Records that could not be decoded. */
  readonly bad?: readonly BadRecord[]
  /** Records that the source dropped for a step: one that was pushed down into it, or the next one. */
  readonly dropped?: readonly (readonly [step: string, n: number])[]
  /** Fields of these rows that are not in the schema and were left out (`unknown_fields: drop`). */
  readonly unknown?: number
  /** Records without a value that its options leave out (`tombstones: skip`). */
  readonly skipped?: number
  /** Raw size; all caps count it. */
  readonly bytes: number
  /** Lag: records of the split that were available after this batch when it was read. Absent: unknown. */
  readonly behind?: number
  /**
   * The split had no more records at the last poll (no split had, if the source's `lanes` are `one`). The epoch may end
   * immediately.
   */
  readonly caughtUp?: boolean
  /** This split has ended; nothing more will come. */
  readonly end?: boolean
  /** Entries of the source's keyed memory, saved with the batch's epoch; null deletes. */
  readonly remember?: readonly (readonly [key: string, value: Json | null])[]
}

/**
 * Splits that a source has found, announced before the first batch of each. `parents`: splits that must end before it
 * begins. `complete`: no more will be found. `current`: more may be found, but every split that has something to read
 * now has been announced.
 */
export interface SplitsFound {
  readonly splits: readonly { readonly id: string; readonly bytes?: number; readonly parents?: readonly string[] }[]
  readonly complete?: boolean
  readonly current?: boolean
}

/**
 * These splits had no more records when they were polled; if the source's `lanes` are `one`, the list may be empty and
 * means all. Reported at each poll that finds nothing.
 */
export interface CaughtUp {
  readonly caughtUp: readonly string[]
}

/**
 * Fills in what a simple source leaves out. Its author supplies `split`, `rows` and `position`. `positionAt` is derived
 * from a numeric `position` that counts the split's records, for a batch without `bad` and `dropped`; any other batch
 * needs its own.
 */
export function batch(plain: Pick<Batch, 'split' | 'rows'> & Partial<Batch>): Batch {
  const { rows, position } = plain
  const counted = typeof position === 'number' && !plain.bad?.length && !plain.dropped?.length
  return {
    ...plain,
    bytes: plain.bytes ?? rows.length * 100,
    positionAt:
      plain.positionAt ??
      ((i) => {
        if (!counted)
          throw new Error(`split ${plain.split}: a batch whose position does not count records needs positionAt`)
        return (position as number) - rows.length + i
      }),
  }
}

/** Counts the fields that are not in the schema and were left out since the last batch. */
export interface Tally {
  unknown: number
}

/** The count of a tally, to spread into a batch; it starts over. */
export function unknownOf(tally: Tally): { readonly unknown?: number } {
  const { unknown } = tally
  tally.unknown = 0
  return unknown > 0 ? { unknown } : {}
}

/** Arrival time of row i, ms UTC; undefined: the system has none. */
export function arrivalOf({ arrivals }: Pick<Batch, 'arrivals'>, i: number): number | undefined {
  const at = arrivals?.[i]
  return at === undefined || Number.isNaN(at) ? undefined : at
}
