/** Sinks: where records go. */
import type { Json, Records, Row } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Env, Instance } from './env.ts'

/** What a sink is opened with. */
export interface OpenContext {
  readonly signal: AbortSignal
  /** The number of this run from beginning to end; it grows when a pipeline is run again. */
  readonly incarnation: number
  /**
   * A random name of this run, the same over its restarts and for all instances that were started together; absent:
   * others may be started apart, and what they write cannot be told from results of an earlier run.
   */
  readonly run?: string
  /**
   * A random value of this start of the process. What a sink keeps to recognise its own stages and loads carries it: a
   * restored older state has the same incarnation and epoch, but other records.
   */
  readonly start: string
  /** What the last saved `flush` left as `resume`, of this incarnation; undefined at its start. */
  readonly restore?: Json
  /**
   * What to do with results of an earlier incarnation that this run would overwrite or add to; `run --replace|--keep`
   * set it, over the option `existing`.
   */
  readonly existing?: 'stop' | 'replace' | 'keep'
  readonly instance: Instance
  /**
   * The run has an end that a flush announces (`end`); otherwise results that wait for the end would never become
   * visible.
   */
  readonly whole?: boolean
  warn(message: string): void
}

/** What a write belongs to. */
export interface WriteContext {
  readonly signal: AbortSignal
  /** Until the save, the same epoch may come again with other content: replace what it wrote, never skip it. */
  readonly epoch: number
}

/** What a flush belongs to. */
export interface FlushContext extends WriteContext {
  /** Finish the open files and return them as stages. */
  readonly roll: boolean
  /** The input has ended. */
  readonly end: boolean
}

/** What a flush leaves behind; saved with the positions. */
export interface Flushed {
  /** Given to `open` as `restore` after a restart. Absent: the value saved last stays. */
  readonly resume?: Json
  /** What is durable but not visible yet; each is given to `publish`. */
  readonly stages?: readonly Json[]
  /**
   * Some written records are neither staged nor visible: a file is open that later epochs continue. Until it is
   * finished, its path and the number of instances cannot change.
   */
  readonly unfinished?: boolean
}

/** Where records go. `create` of its definition makes one per run. */
export interface Sink {
  /**
   * Connect and restore. At start, all sinks are opened, then leftover stages are published; so `open` never touches a
   * staged file. Called again when it threw a `SystemError` that can be retried.
   */
  open?(ctx: OpenContext): Promise<void>
  /**
   * Writes these records, in order. On return they are in the store, or buffered for `flush`. Called one at a time per
   * sink. Must give the same result when the same records come again (by key or id), or its label says so.
   *
   * Throws `PartialWriteError` where some records cannot be taken: every record that it does not name was taken. Throws
   * `SystemError` where the write failed as a whole; it is repeated with the same records, so none of them may then be
   * duplicated beyond what the label allows. Throws nothing else: a value that cannot be encoded is a record's failure.
   */
  write(records: Records, ctx: WriteContext): Promise<void> | void
  /**
   * A roll bound (size, records, time) is reached. Asked after writes and by the clock, also while nothing is written.
   */
  full?(): boolean
  /**
   * Makes what was written durable where no reader sees it. A sink with `capabilities.checkpointsOnRoll` is only
   * flushed with `roll: true`. Called again with the same context when it threw a `SystemError` that can be retried.
   */
  flush?(ctx: FlushContext): Promise<Flushed>
  /** Makes a stage visible, after the save. Idempotent; repeated at the next start until it is recorded as done. */
  publish?(stage: Json, ctx: { readonly signal: AbortSignal }): Promise<void>
  /** Always called, also after failures. */
  close?(): Promise<void>
}

/** What a sink guarantees with these options. */
export interface SinkCapabilities {
  readonly label: 'at-least-once' | 'effectively-once'
  /** How the label is achieved, or what limits it: `upsert by record id`. */
  readonly how: string
  /**
   * The key of a record: its id, or the values of these fields. A record with the same key replaces the earlier one.
   * Absent: every record is added.
   */
  readonly key?: 'record_id' | readonly string[]
  /** Several records of one key make up one entry together, each its own part of it (`write: set`). */
  readonly combines?: boolean
  /** Takes updates of a key (needed where windows fire again). */
  readonly keyed?: boolean
  /** It can resume only at a roll, so the checkpoint waits for it. */
  readonly checkpointsOnRoll?: boolean
  /** Publishing may take long (a load into a warehouse): it runs beside the next epoch. */
  readonly slowPublish?: boolean
}

/** What `create` of a sink is given beside its options. */
export interface SinkContext extends Env {
  readonly schema: RecordType
}

/** A question to a documents store or table. */
export interface Query {
  readonly collection: string
  /**
   * What is known of the documents' fields, as of the sink that writes them: rows have its forms in memory; a value
   * that does not fit its type stays as JSON.
   */
  readonly type?: RecordType
  /**
   * CEL over the documents. `where.equals` holds what is a plain equality, for stores that can look up; `test` must be
   * applied to every document all the same.
   */
  readonly where?: { readonly equals: Readonly<Record<string, unknown>>; test(row: Row): boolean }
  readonly sort?: readonly { readonly field: string; readonly descending: boolean }[]
  readonly limit?: number
}
