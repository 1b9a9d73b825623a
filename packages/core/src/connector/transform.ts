/** Steps: transforms of records. Synchronous except for `prepare`; a step never throws because of data. */
import type { Problem } from '../errors/index.ts'
import type { Json, Records, Row } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Env } from './env.ts'
import type { Push } from './source.ts'
import type { SourceTime } from './time.ts'

/** Everything a step emits in addition to its main output. Indexes refer to the rows of the input. */
export interface Output {
  /**
   * Row i is bad: it goes where `on_error` says. Call it at most once per row, and leave the row out of the output.
   */
  fail(i: number, code: string, more?: { readonly field?: string; readonly message?: string }): void
  /** To a named output (`late`, a branch of `route`). */
  side(name: string, row: Row, i: number): void
  /** A result: a record that no single input record became. */
  result(row: Row, at: ResultKey): void
  /** A result that cannot be represented (a sum that does not fit). `row`: the fields that are known. */
  failResult(row: Row, at: ResultKey, code: string, more?: { readonly field?: string; readonly message?: string }): void
}

/** The key of a result: within a step, a later result with the same key replaces the earlier one. */
export interface ResultKey {
  /** The values of its group, and the start of its window if it has one. */
  readonly key: readonly Json[]
  /** Event time, ms UTC: of a window, its end - 1 ms. */
  readonly time?: number
}

/** The output of a step for its input. */
export interface Applied {
  readonly rows: readonly Row[]
  /** For each output row the index of the input row it came from, ascending; absent: 1:1. */
  readonly origins?: Int32Array
  /** How many input rows went into the step's memory and will come out as results; for the balance. */
  readonly held?: number
  /** How many came too late for a window. They are in a side output, or in none. */
  readonly late?: number
  /** Named outputs: the array form of `out.side`. */
  readonly sideOutputs?: Readonly<Record<string, { readonly rows: readonly Row[]; readonly origins: Int32Array }>>
}

/** The current time of the pipeline. */
export interface Now {
  /** No record of an earlier event time is expected at this step, ms UTC. -Infinity if unknown. */
  readonly watermark: number
  /**
   * The clock time, ms UTC. For steps that are `ordered` it is logged, so a restart sees the same one; -Infinity: not
   * known yet, right after a restart.
   */
  readonly clock: number
  /** The input has ended, and with it the run. */
  readonly end: boolean
}

/** The end of a bounded run. */
export const endOfRun: Now = { watermark: Number.POSITIVE_INFINITY, clock: Number.POSITIVE_INFINITY, end: true }

/** A change of a step's memory. `split`: if memory is kept separately for each split, the split it belongs to. */
export type MemoryChange = readonly [key: string, value: string | null, split?: string]

/** A step's memory as saved last. Valid for the whole run; later saves are visible in it. */
export interface SavedMemory {
  get(key: string): string | undefined
  /** All entries, in the order of their keys; or those of a range, which are read at once. */
  entries(range?: KeyRange): Iterable<SavedMemoryEntry>
}

/** An entry as it was saved; `split`: the split that it moves with. */
export type SavedMemoryEntry = readonly [key: string, value: string, split: string | undefined]

/** Keys from one to before another one, by code points. `limit`: only so many of the first. */
export interface KeyRange {
  readonly from: string
  readonly before: string
  readonly limit?: number
}

/** What a step holds until its watermark has come far enough. */
export interface Waiting {
  /** Windows that have not fired, and the records in them; one in several windows is counted once. */
  readonly windows: number
  readonly records: number
  /** The windows that fire first, in that order; a few are enough. */
  readonly next: readonly WaitingWindow[]
}

/** A window that has not fired: from `start` to before `end`; it fires at the watermark `firesAt`. All in ms UTC. */
export interface WaitingWindow {
  readonly start: number
  readonly end: number
  readonly firesAt: number
  readonly records: number
}

/** A running step. */
export interface Transform {
  /** Called before the first record: loads user code. The only place for I/O. */
  prepare?(ctx: { readonly signal: AbortSignal }): Promise<void>
  /**
   * Loads the rows of a side input before the first record, in calls of about 1,000 rows. Throws `MillraceError`
   * (duplicate keys, too large).
   */
  load?(sideInput: string, rows: readonly Row[]): void
  /** `input`: the name of the input that the records come from, for a step with named inputs. */
  apply(records: Records, out: Output, input: string): Applied
  /**
   * Time has advanced: emits the results that are due. Called after records were applied, whenever the watermark has
   * risen or `due` has passed, and at the end of a bounded run. False: there are more; it stops after about 1,000
   * results and is called again.
   */
  advance?(now: Now, out: Output): boolean
  /** The epoch ends: emits what is told once an epoch (updates). Called right before `takeChanges`. */
  epochEnds?(out: Output): void
  /** The clock time at which `advance` is to be called even if no record arrives, ms UTC; undefined: none. */
  due?(): number | undefined
  /**
   * What waits for the watermark, for people who ask why a window is still open (`pipe watermark`). Called once a
   * second while the pipeline runs, so it counts what it has counted, and does not go through records.
   */
  waiting?(): Waiting
  /**
   * Restores the memory of a stateful step. It may read all entries now, or each one on demand.
   */
  restore?(saved: SavedMemory): void
  /**
   * The encoded changes since the last call; null: deleted. Called at each barrier; synchronous, so no record of the
   * next epoch is applied before it returns.
   */
  takeChanges?(): readonly MemoryChange[]
  /**
   * How many entries `takeChanges` would return now. Saving very many blocks the process, so the epoch ends before
   * that.
   */
  changeCount?(): number
}

/** The output types of a step, derived from its input type. */
export interface Inference {
  /** The type of its main output; absent: it has none (route). */
  readonly output?: RecordType
  /** Types of its named outputs. */
  readonly sideOutputs?: Readonly<Record<string, RecordType>>
  readonly problems: readonly Problem[]
  /**
   * Output fields that have the unchanged value of an input field: output name to input name. Absent: unknown.
   */
  readonly unchanged?: Readonly<Record<string, string>>
  /** The step as columns for pushdown into a source; gets the columns so far. */
  readonly push?: (columns: Push['columns'], step: string) => Push['columns'] | undefined
  /** The fields of its input that it uses: no other field is needed for any of its outputs. Absent: all may be. */
  readonly reads?: readonly string[]
  /** An expression on the input: the step passes on the records for which it is true, and drops all others. */
  readonly keeps?: string
}

/** The environment of a step. */
export interface StepContext extends Env {
  readonly input: RecordType
  /** Types of side inputs, by name. */
  readonly sideInputs: Readonly<Record<string, RecordType>>
  /**
   * Records with equal values of these fields come from one split, and memory must be kept separately for each split
   * (`MemoryChange`).
   */
  readonly partitionedBy?: readonly string[]
  /** Event time of the sources that reach the step, by id; only those that have it. */
  readonly times?: Readonly<Record<string, SourceTime>>
}
