/**
 * Sources: where records come from.
 *
 * A position belongs to one store. Every position that a source hands out names that store (a log's id, a topic's id, a
 * hash of a file's beginning, the path of a database), and a source that is asked to resume in another store stops with
 * `source_replaced` or `input_changed` instead of reading on.
 *
 * Decision: docs/decisions/20261130-positions-name-their-store.md
 */
import type { Batch, CaughtUp, Json, Row, SplitsFound } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Env, Instance } from './env.ts'

/** The context of a read. */
export interface ReadContext {
  /** Aborted when the run stops. `read` must then return, or throw, within a second. */
  readonly signal: AbortSignal
  /** Where this split was left: the position of the last batch that was saved; undefined: never seen. */
  resume(split: string): Json | undefined
  /** One entry of the source's own saved memory; see `Batch.remember`. */
  recall(key: string): Json | undefined
  /** The entries of the source's memory whose keys begin with `prefix`, in the order of their keys. */
  recallAll(prefix: string): Iterable<readonly [key: string, value: Json]>
  /**
   * Whether this instance reads the split; each split is read by exactly one. Only sources with `shares` have to ask.
   */
  owns(split: string): boolean
  /**
   * False: hold this split back for now, it runs ahead of the others. Asked before each read of a split where several
   * are read side by side. A split that is held back is not idle and not caught up.
   */
  wants(split: string): boolean
  /** Resolves when a split that was held back may be wanted again, or the signal aborts. */
  whenWanted(): Promise<void>
  readonly instance: Instance
  /** Warns the user that something was recovered and nothing is lost. */
  warn(message: string): void
}

/** The outcome of one record of a request, for sources that answer. */
export interface Answer {
  readonly position: string | number
  /** `failed`: it was accepted, and then a step with memory or a sink failed on it. */
  readonly outcome: 'taken' | 'refused' | 'failed' | 'dropped'
  /** The record as it is at the step named by `answer:`, of the type `SourceContext.answer`. */
  readonly row?: Row
  readonly errors?: readonly { readonly code: string; readonly field?: string; readonly message?: string }[]
}

/** A split's progress that is now durable. */
export interface Done {
  readonly split: string
  readonly position?: Json
  /** The split has ended: all of it is durable, and published where sinks publish. */
  readonly ended?: boolean
  /**
   * For sources that answer, where all records of the request were taken, as nearly always: those that `Answer.row`
   * would show, in the batch's order.
   */
  readonly taken?: readonly Row[]
  /** For sources that answer, where not all were: each record's outcome. */
  readonly answers?: readonly Answer[]
}

/** Where records come from. `create` of its definition makes one per run. */
export interface Source {
  /**
   * Yields batches until the input ends or the signal aborts. Batches of one split come in order; several splits may
   * interleave. Each split is announced with `SplitsFound` before its first batch, unless the source has exactly one.
   * Called again (after `resume` moved on) when it threw a `SystemError` that can be retried. Yields about 1,000 rows
   * or 1 MiB at a time; a batch belongs to the engine once yielded and its buffers must not be reused.
   */
  read(ctx: ReadContext): AsyncIterable<Batch | SplitsFound | CaughtUp>
  /**
   * What is durable, after the save and after everything of its epoch is published. A report (throttled, failures
   * counted) or a duty (answer, delete, move: a failure is retried, then stops the run): `capabilities.commit`. A duty
   * is saved with its epoch and repeated after a restart until it is done, so it must be idempotent; answers are not
   * repeated, since their senders are gone.
   */
  commit?(done: readonly Done[], ctx: { readonly signal: AbortSignal }): Promise<void>
  /**
   * For sources that answer: what is to be remembered of these outcomes (the answer under an idempotency key), saved
   * with their epoch. Synchronous; called before the save, `commit` with the same outcomes after it.
   */
  remember?(done: readonly Done[]): readonly (readonly [key: string, value: Json | null])[]
  /**
   * A record's position in words, for messages: `data/retail.csv:1234 (byte 56789)`. Absent: split and
   * position are shown.
   */
  locate?(split: string, position: string | number): Promise<string>
  /** Always called, also after failures. */
  close?(): Promise<void>
}

/** What a source can do with these options; the check and the run rely on it. */
export interface SourceCapabilities {
  /** The input ends by itself. */
  readonly bounded: boolean
  /**
   * Positions survive: after a crash the same records come again under the same positions. False: what was read and not
   * saved is lost when the process dies.
   */
  readonly replayable: boolean
  /**
   * `split`: each split has its own watermark, and says `caughtUp` for itself; `one`: all splits share one, and
   * `caughtUp` is said of all of them.
   */
  readonly lanes: 'split' | 'one'
  /**
   * One record of the outside may come more than once, at different positions. `id: 'same'`: under one id
   * (`Batch.idAt`), as in a stream whose writer may append a record again when it is unsure. `id: 'new'`: as another
   * record. `why`: the reason in words, for the plan.
   */
  readonly repeats?: { readonly id: 'same' | 'new'; readonly why: string }
  /**
   * It reads one split after the other, and new ones may come in between: files of a folder. It asks
   * `ReadContext.wants` before each batch of a split, and takes another split first where this one is not wanted.
   */
  readonly newSplits?: boolean
  /**
   * Its splits name their content (files, requests): in another place the splits differ, so no position can be
   * mistaken.
   */
  readonly contentSplits?: boolean
  /** Projection, renames and date conversion may be pushed into it (`SourceContext.push`). Its batches have `rawAt`. */
  readonly pushdown?: boolean
  readonly commit?: 'report' | 'duty'
  /** Its commits carry each record's outcome. */
  readonly answers?: boolean
  /** Bad data is refused to the sender instead of stopping the run or going to the dead letter. */
  readonly refuses?: boolean
  /** Several instances may share its splits: each reads those for which `ReadContext.owns` is true, no others. */
  readonly shares?: boolean
  /** Fields whose values decide the split of a record: records equal in them are in one split. */
  readonly partitionedBy?: readonly string[]
}

/**
 * Date conversion pushed into a source: text in one of `formats` (packages/core/src/date/date.ts) becomes
 * `to`-formatted text, or epoch ms where `to` is absent. A text that fits none is a bad record with code `bad_date`,
 * the field, and this step's id.
 */
export interface DateRule {
  readonly step: string
  readonly formats: readonly string[]
  readonly zone: string
  readonly to?: string
  /** The field's name at that step, for the bad record. Absent: the name in the source's schema. */
  readonly field?: string
  /**
   * Where several rules fail on one record, it fails by that of the lowest order, as it does without the push. Absent:
   * the column's place.
   */
  readonly order?: number
}

/** What was pushed down: exactly these columns, in this order; `from` is the name in the source's schema. */
export interface Push {
  readonly columns: readonly { readonly name: string; readonly from: string; readonly date?: DateRule }[]
}

/** What `create` of a source is given beside its options. */
export interface SourceContext extends Env {
  /** The declared type of the decoded record, before any push. */
  readonly schema: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  readonly push?: Push
  /** For sources that answer: the type of the records that its answers show; absent: they are those that it reads. */
  readonly answer?: RecordType
}

/**
 * Decodes one record's original bytes again, for dead-letter replay. Throws `DataError`. `context`: what the batch
 * brought as `Batch.contextAt`, or else as `Batch.context`. The row must equal the one that the batch held, in every
 * field.
 */
export type Decoder = (bytes: Uint8Array, context: Json | undefined) => Row
