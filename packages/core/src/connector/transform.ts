/** Steps: what is done to records. Synchronous but for `prepare`; a step never throws for data. */
import type { Problem } from '../errors/index.ts'
import type { Json, Records, Row } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Env } from './env.ts'
import type { Push } from './source.ts'

/** Where a step puts what is not its plain output. Indexes are into the input's rows. */
export interface Output {
  /**
   * Row i cannot pass: it goes where `on_error` says. Call it at most once a row, and leave the row out of the output.
   */
  fail(i: number, code: string, more?: { readonly field?: string; readonly message?: string }): void
  /** To a named output (`late`, a branch of `route`). */
  side(name: string, row: Row, i: number): void
  /** A result: a record that no single input record became. */
  result(row: Row, at: ResultKey): void
  /** A result that cannot be represented (a sum that does not fit); `row`: what is known of it. */
  failResult(row: Row, at: ResultKey, code: string, more?: { readonly field?: string; readonly message?: string }): void
}

/** The key of a result: within a step, a later result with the same key replaces the earlier one. */
export interface ResultKey {
  /** The values of its group, and the start of its window where it has one. */
  readonly key: readonly Json[]
  /** Event time, ms UTC: of a window, its end - 1 ms. */
  readonly time?: number
}

/** What a step made of its input. */
export interface Applied {
  readonly rows: readonly Row[]
  /** For each output row the index of the input row it came from, ascending; absent: 1:1. */
  readonly origins?: Int32Array
  /** How many input rows went into the step's memory, to come out as results; for the balance. */
  readonly held?: number
  /** Named outputs, as an array form of `out.side`. */
  readonly sides?: Readonly<Record<string, { readonly rows: readonly Row[]; readonly origins: Int32Array }>>
}

/** Where the pipeline stands in time. */
export interface Now {
  /** No record of an earlier event time is expected at this step, ms UTC. -Infinity where none is known. */
  readonly watermark: number
  /** The clock that the epoch's plan records, ms UTC: the same after a restart. */
  readonly clock: number
  /** The input has ended, and with it the run. */
  readonly end: boolean
}

/** The end of a run from beginning to end. */
export const endOfRun: Now = { watermark: Number.POSITIVE_INFINITY, clock: Number.POSITIVE_INFINITY, end: true }

/** A change of a step's memory. `split`: where each split has memory of its own, the one that it moves with. */
export type MemoryChange = readonly [key: string, value: string | null, split?: string]

/** A step's memory as it was saved last. Valid as long as the run; later saves show in it. */
export interface SavedMemory {
  get(key: string): string | undefined
  /** All entries, in the order of their keys. */
  entries(): Iterable<readonly [key: string, value: string, split: string | undefined]>
}

/** A step at work. */
export interface Transform {
  /** Before the first record: load the user's code. The one place for I/O. */
  prepare?(ctx: { readonly signal: AbortSignal }): Promise<void>
  /**
   * The rows of a side input, whole, before the first record; in calls of about 1,000 rows. Throws `MillraceError`
   * (duplicate keys, too large).
   */
  load?(side: string, rows: readonly Row[]): void
  /** `input`: the name of the input that the records come from, for a step with named inputs. */
  apply(records: Records, out: Output, input: string): Applied
  /**
   * Time has advanced: emit the results that are due. Called after records were applied, whenever the watermark has
   * risen or `due` has come, and at the end of a run that is `whole`. False: enough for now (about 1,000 results), call
   * again.
   */
  advance?(now: Now, out: Output): boolean
  /** The clock time at which `advance` wants to be called though nothing came, ms UTC; undefined: none. */
  due?(): number | undefined
  /**
   * A step with state owns its memory; this is what was saved last. It may read all of it now or each entry at need.
   */
  restore?(saved: SavedMemory): void
  /**
   * The encoded changes since the last cut; null: gone. Synchronous: no record of the next epoch is applied before it
   * returns.
   */
  cut?(): readonly MemoryChange[]
  /**
   * How many entries the next `cut` would give; a save of very many blocks the process, so the epoch ends before that.
   */
  changes?(): number
}

/** What a step makes of its input's type. */
export interface Inference {
  /** The type of its plain output; absent: it has none (route). */
  readonly output?: RecordType
  /** Types of its named outputs. */
  readonly sides?: Readonly<Record<string, RecordType>>
  readonly problems: readonly Problem[]
  /**
   * Fields of the output that hold the value of an input field unchanged: output name to input name. Absent: unknown.
   */
  readonly unchanged?: Readonly<Record<string, string>>
  /** The same effect as columns to be pushed into a source; `push` gets the columns so far. */
  readonly push?: (columns: Push['columns'], step: string) => Push['columns'] | undefined
}

/** What a step knows about its input. */
export interface StepContext extends Env {
  readonly input: RecordType
  /** Types of side inputs, by name. */
  readonly sides: Readonly<Record<string, RecordType>>
  /**
   * Equal groups of these fields come from one split, and the memory of each split must be kept apart (`MemoryChange`).
   */
  readonly partitionedBy?: readonly string[]
}
