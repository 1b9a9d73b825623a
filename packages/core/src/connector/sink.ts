/** Sinks: where records go. */
import type { Json, Records } from '../record/index.ts'
import type { Comparison } from '../expression/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Env, Instance } from './env.ts'

/** The context of `open`. */
export interface OpenContext {
  readonly signal: AbortSignal
  /** The number of the run, from beginning to end; it increases when the pipeline is run again. */
  readonly incarnation: number
  /**
   * A random name of this run, the same across restarts and for all instances that were started together. Absent:
   * instances are started independently, and their output cannot be distinguished from results of an earlier run.
   */
  readonly run?: string
  /**
   * A random value of this process start. A sink puts it into whatever identifies its stages and loads: after an older
   * state is restored, incarnation and epoch repeat, but with different records.
   */
  readonly start: string
  /** The `resume` value of the last saved `flush` of this incarnation; undefined at its start. */
  readonly restore?: Json
  /**
   * Its id before the spec was edited, in this incarnation, if nothing of it was saved and no other sink has that id:
   * what was left under it is its own.
   */
  readonly formerly?: string
  /**
   * What to do with results of an earlier incarnation that this run would overwrite or add to. Set by
   * `run --replace|--keep`; overrides the option `existing`.
   */
  readonly existing?: 'stop' | 'replace' | 'keep'
  readonly instance: Instance
  /**
   * The run is bounded: a flush announces its end (`end`). Otherwise results that wait for the end would never become
   * visible.
   */
  readonly whole?: boolean
  warn(message: string): void
}

/** The context of a write. */
export interface WriteContext {
  readonly signal: AbortSignal
  /** Until it is saved, an epoch may be repeated with different content: replace what it wrote, never skip it. */
  readonly epoch: number
  /** Counts records of this write that the store already has in a newer version, so they were not written. */
  superseded?(records: number): void
}

/** The context of a flush. */
export interface FlushContext extends WriteContext {
  /** Close the open files and return them as stages. */
  readonly roll: boolean
  /** The input has ended. */
  readonly end: boolean
}

/** The result of a flush; saved with the positions. */
export interface Flushed {
  /** Passed to `open` as `restore` after a restart. Absent: the value saved last stays. */
  readonly resume?: Json
  /** Results that are durable but not visible yet; each is passed to `publish`. */
  readonly stages?: readonly Json[]
  /**
   * Some written records are neither staged nor visible: they are in an open file that later epochs continue. Until it
   * is closed, its path and the number of instances cannot change.
   */
  readonly unfinished?: boolean
}

/** Where records go. `create` of its definition makes one per run. */
export interface Sink {
  /**
   * Connects and restores. At the start, all sinks are opened before leftover stages are published, so `open` must not
   * touch a staged file. Called again after a `SystemError` that can be retried.
   */
  open?(ctx: OpenContext): Promise<void>
  /**
   * Writes these records, in order. On return they are in the store, or buffered for `flush`. Calls do not overlap.
   * Repeating the same records must give the same result (by key or id), unless the label says otherwise.
   *
   * Throws `PartialWriteError` if some records cannot be written; all others count as written. Throws `SystemError` if
   * the write failed as a whole; it is repeated with the same records, which must not duplicate any beyond what the
   * label allows. Throws nothing else: a value that cannot be encoded is a failure of its record.
   */
  write(records: Records, ctx: WriteContext): Promise<void> | void
  /**
   * Whether a bound of the roll (size, records, time) is reached. Called after writes and periodically, even while
   * nothing is written.
   */
  full?(): boolean
  /**
   * Makes what was written durable, but not visible. A sink with `capabilities.checkpointsOnRoll` is only flushed with
   * `roll: true`. Called again with the same context after a `SystemError` that can be retried.
   */
  flush?(ctx: FlushContext): Promise<Flushed>
  /** Makes a stage visible, after the save. Idempotent; repeated at the next start until it is recorded as done. */
  publish?(stage: Json, ctx: { readonly signal: AbortSignal }): Promise<void>
  /** Always called, even after failures. */
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
  /** Several records with the same key form one entry, each contributing a part (`write: set`). */
  readonly combines?: boolean
  /** The field that names the part: a record replaces the earlier one of the same key and part. Absent: of the key. */
  readonly part?: string
  /** What of a record the system limits, for people who compare profiles: `{ document: '400 KB' }`. */
  readonly limits?: Readonly<Record<string, string>>
  /** Supports updates by key (needed where windows fire again). */
  readonly keyed?: boolean
  /**
   * What becomes of a record without a value (`Batch.tombstoneAt`): `delete`: what has its key. Absent: it is written
   * like any other.
   */
  readonly onNull?: 'error' | 'delete' | 'skip' | 'write'
  /** It can resume only at a roll, so checkpoints wait for one. */
  readonly checkpointsOnRoll?: boolean
  /** Publishing may take long (a load into a warehouse): it overlaps the next epoch. */
  readonly slowPublish?: boolean
}

/** What `create` of a sink gets in addition to its options. */
export interface SinkContext extends Env {
  readonly schema: RecordType
}

/**
 * What a query needs of a document store or table. The store answers the part that it can answer exactly as expressions
 * would; who asks does the rest, and tests every row again.
 */
export interface Query {
  readonly collection: string
  /**
   * The type of the documents, from the sink that writes them: values in rows have its in-memory forms; a value that
   * does not fit its type stays as JSON.
   */
  readonly type?: RecordType
  /** All wanted rows fulfil these conditions: a store that can look one up reads less. */
  readonly where?: readonly Comparison[]
  /** The fields that are needed; others may be left out. Absent: all. */
  readonly fields?: readonly string[]
  /** The order of the rows, null first: only by fields of types that the definition `sorts`. */
  readonly sort?: readonly { readonly field: string; readonly descending: boolean }[]
  /** The rows that fulfil the part of `where` that the store has used are enough after this number. */
  readonly limit?: number
  /** A store that bills every read refuses to read all of a table without this. */
  readonly scan?: boolean
}
