/**
 * Sources: where records come from.
 *
 * A position belongs to one store. Every position of a source identifies that store (a log's id, a topic's id, a hash
 * of a file's beginning, the path of a database). A source that has to resume in a different store stops with
 * `source_replaced` or `input_changed` instead of reading on.
 *
 * Decision: docs/decisions/20261130-positions-name-their-store.md
 */
import type { DateReading } from '../date/index.ts'
import type { Batch, Beside, CaughtUp, Json, Row, SplitsFound } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Env, Instance } from './env.ts'

/** The attempts at one call. */
export interface Attempts {
  /**
   * An attempt failed: waits until the next one is due. Throws the error that ends the run if the failure is permanent
   * or has lasted too long.
   */
  waitToRetry(error: unknown): Promise<void>
  /** An attempt succeeded, if only for a while. */
  succeeded(): void
}

/** A source or sink whose system does not answer. */
export interface OutOfReach {
  /** Its id. */
  readonly node: string
  /** The error of the last try: its code and message, without secrets. */
  readonly code: string
  readonly message: string
  /** Since when, ms UTC. */
  readonly sinceMs: number
}

/** The context of a read. */
export interface ReadContext {
  /** Aborted when the run stops. `read` must then return, or throw, within a second. */
  readonly signal: AbortSignal
  /** The saved position of a split: that of its last saved batch; undefined: the split is new. */
  resume(split: string): Json | undefined
  /** An entry of the source's saved memory; see `Batch.remember`. */
  recall(key: string): Json | undefined
  /** The entries of the source's memory whose keys begin with `prefix`, in the order of their keys. */
  recallAll(prefix: string): Iterable<readonly [key: string, value: Json]>
  /**
   * Whether this instance reads the split; each split is read by exactly one instance. Only sources with `shares` have
   * to check.
   */
  owns(split: string): boolean
  /**
   * False: pause this split for now, since it is ahead of the others. A source that reads several splits side by side
   * checks this before each read. A paused split is neither idle nor caught up.
   */
  wants(split: string): boolean
  /** Resolves when a paused split may be wanted again, or the signal aborts. */
  whenWanted(): Promise<void>
  readonly instance: Instance
  /**
   * When the run began, ms UTC. Saved with its state: the same for all its sources, and after every restart. A run that
   * continues has begun once.
   */
  readonly beganMs: number
  /** A later run resumes where this one ends, so a record that may be incomplete can wait for it. */
  readonly continues: boolean
  /**
   * Retries a part of the reading by the engine's rules, for a source that meanwhile continues with the rest: one
   * server of several. Any other failure is thrown: the engine then reads again.
   */
  attempts(doing: string): Attempts
  /**
   * What does not answer in this pipeline now, so that a source that answers can tell who asks whether it is healthy;
   * settles within about three seconds.
   */
  outOfReach(): Promise<readonly OutOfReach[]>
  /** A source that answers says why it cannot now, or undefined: that it can. May be called again with the same. */
  cannotAnswer(why: { readonly code: string; readonly message: string } | undefined): void
  /** A source that answers says what it holds, for the metrics; as often as it likes. */
  holds(requests: HeldRequests): void
  /** Warns the user: something was recovered, nothing is lost. */
  warn(message: string): void
}

/** What a source that answers holds. */
export interface HeldRequests {
  /** Requests that wait for their answer. */
  readonly waiting: number
  /** Keys under which a repeated request would get the first answer. */
  readonly remembered: number
}

/** The outcome of one record of a request, for sources that answer. */
export interface Answer {
  readonly position: string | number
  /** `failed`: it was accepted, then failed in a stateful step or a sink. */
  readonly outcome: 'taken' | 'refused' | 'failed' | 'dropped'
  /** The record as output by the step named in `answer:`, of the type `SourceContext.answer`. */
  readonly row?: Row
  readonly errors?: readonly { readonly code: string; readonly field?: string; readonly message?: string }[]
}

/** A split's progress that is now durable. */
export interface Done {
  readonly split: string
  readonly position?: Json
  /** The split has ended: all of it is durable, and published by sinks that publish. */
  readonly ended?: boolean
  /**
   * For sources that answer, if all records of the request were accepted (the usual case): their rows as in
   * `Answer.row`, in the order of the batch.
   */
  readonly taken?: readonly Row[]
  /** For sources that answer, if not all were accepted: the outcome of each record. */
  readonly answers?: readonly Answer[]
}

/** Where records come from. `create` of its definition makes one per run. */
export interface Source {
  /**
   * Yields batches until the input ends or the signal aborts. Batches of one split come in order; several splits may
   * interleave. Each split is announced with `SplitsFound` before its first batch, unless the source has exactly one.
   * Called again (with newer positions in `resume`) after a `SystemError` that can be retried. Yields about 1,000 rows
   * or 1 MiB at a time. A yielded batch belongs to the engine; its buffers must not be reused.
   */
  read(ctx: ReadContext): AsyncIterable<Batch | SplitsFound | CaughtUp>
  /**
   * Gets what is durable, after its epoch is saved and published. `capabilities.commit` declares what it does: `report`
   * progress (throttled; a failure is a warning), or carry out an `action` such as answering, deleting or moving (a
   * failure is retried, then stops the run). A commit action is saved with its epoch and repeated after a restart until
   * it is recorded as done, so it must be idempotent. Answers are not repeated, since their senders are gone.
   */
  commit?(done: readonly Done[], ctx: { readonly signal: AbortSignal }): Promise<void>
  /**
   * For sources that answer: entries to save with the epoch of these outcomes (the answer under an idempotency key).
   * Synchronous; called before the save, while `commit` gets the same outcomes after it.
   */
  remember?(done: readonly Done[]): readonly (readonly [key: string, value: Json | null])[]
  /**
   * A readable form of a record's position, for messages: `data/retail.csv:1234 (byte 56789)`. Absent: split and
   * position are shown.
   */
  locate?(split: string, position: string | number): Promise<string>
  /** Always called, even after failures. */
  close?(): Promise<void>
}

/** What a source can do with these options. The check and the run rely on it. */
export interface SourceCapabilities {
  /** The input ends by itself. */
  readonly bounded: boolean
  /**
   * Records can be read again under the same positions after a crash. False: what was read but not saved is lost when
   * the process dies.
   */
  readonly replayable: boolean
  /**
   * `split`: each split has its own watermark and reports `caughtUp` by itself. `one`: all splits share a watermark,
   * and `caughtUp` applies to all of them.
   */
  readonly lanes: 'split' | 'one'
  /**
   * The same external record may appear more than once, at different positions. `id: 'same'`: under one id
   * (`Batch.idAt`), as in a stream whose writer appends a record again when it is unsure. `id: 'new'`: as a different
   * record. `why`: the reason in words, for the plan.
   */
  readonly repeats?: { readonly id: 'same' | 'new'; readonly why: string }
  /**
   * It reads one split after the other, and new splits may appear in between: the files of a folder. It checks
   * `ReadContext.wants` before each batch of a split, and reads another split first if this one is not wanted.
   */
  readonly newSplits?: boolean
  /**
   * Its splits identify their content (files, requests): elsewhere the splits differ, so a position cannot be mistaken
   * for another.
   */
  readonly contentSplits?: boolean
  /** Projection, renames and date conversion may be pushed into it (`SourceContext.push`). Its batches have `rawAt`. */
  readonly pushdown?: boolean
  /** It can tell of many records at once that a condition excludes them all (`Push.where`). */
  readonly skips?: boolean
  readonly commit?: 'report' | 'action'
  /** Its commits get the outcome of each record. */
  readonly answers?: boolean
  /** Bad data is refused to the sender instead of stopping the run or going to the dead letter. */
  readonly refuses?: boolean
  /** Several instances may share its splits: each reads those for which `ReadContext.owns` is true, no others. */
  readonly shares?: boolean
  /** Fields whose values determine the split of a record: records with equal values are in the same split. */
  readonly partitionedBy?: readonly string[]
}

/**
 * Date conversion pushed into a source: text in one of `formats` (packages/core/src/date/date.ts) becomes
 * `to`-formatted text, or epoch ms where `to` is absent. Text that matches no format is a bad record with code
 * `bad_date`, the field, and this step's id.
 */
export interface DateRule extends DateReading {
  readonly step: string
  /** The field's name at that step, for the bad record. Absent: the name in the source's schema. */
  readonly field?: string
  /**
   * If several rules fail on one record, the one with the lowest order is reported, as without pushdown. Absent: the
   * index of the column.
   */
  readonly order?: number
}

/** What a source may do for the steps after it. */
export interface Push {
  /** Exactly these columns, in this order; `from` is the name in the source's schema. */
  readonly columns: readonly { readonly name: string; readonly from: string; readonly date?: DateRule }[]
  /** A condition on these columns, for sources with `skips`. */
  readonly where?: PushedCondition
}

/**
 * A condition that the next step sets. The step stays: the source may skip records, without reading them, if it knows
 * that the condition is true for none of them, and reports them as `Batch.dropped` by that step.
 */
export interface PushedCondition {
  readonly step: string
  /** An expression on records of the pushed-down columns. */
  readonly condition: string
}

/** What `create` of a source gets in addition to its options. */
export interface SourceContext extends Env {
  /** The declared type of the decoded record, before any pushdown. */
  readonly schema: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  readonly push?: Push
  /** For sources that answer: the type of the rows in its answers; absent: the type that it reads. */
  readonly answer?: RecordType
}

/**
 * Decodes the original bytes of one record again, for dead-letter replay. Throws `DataError`. `context`: the batch's
 * `Batch.contextAt`, or else its `Batch.context`; `beside`: its key and headers. The row must equal the original one in
 * every field.
 */
export type Decoder = (bytes: Uint8Array, context: Json | undefined, beside?: Beside) => Row
