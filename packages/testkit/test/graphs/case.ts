/**
 * A generated case: a graph, its input and how it is run. It is plain data, so it can be printed, sent to another
 * process and shrunk. The spec (project/spec.ts), the input files (project/input.ts) and the prediction (model/) are
 * each derived from it, independently of one another.
 */

/** The error policy for a record that fails. */
export type Policy = 'stop' | 'dead_letter' | 'drop'

export type FieldType = 'string' | 'integer' | 'number' | 'bytes' | 'timestamp' | 'list<string>'
export interface Field {
  readonly type: FieldType
  readonly optional?: boolean
}
/** The fields of a record, by name. */
export type Shape = Readonly<Record<string, Field>>

/** The schema of every source. `u` identifies the input record in every output, so no step drops it. */
export const sourceShape: Shape = {
  n: { type: 'integer' },
  u: { type: 'string' },
  k: { type: 'string', optional: true },
  q: { type: 'integer' },
  d: { type: 'string' },
  c: { type: 'string' },
  t: { type: 'string' },
  b: { type: 'bytes' },
  w: { type: 'string', optional: true },
}

/**
 * An input record. An `x` in `d` or `w` makes an invalid date, in `c` an invalid number; `boom` in `t` makes some
 * functions throw.
 */
export interface InputRecord {
  readonly u: string
  readonly n: number
  readonly k: string | null
  readonly q: number
  readonly d: string
  readonly c: string
  readonly t: string
  /** Base64. */
  readonly b: string
  /** When it happened, in `timeFormat`; null: it does not say. */
  readonly w: string | null
  /**
   * It is written so that it cannot be decoded: the whole line, or only the value of `q`, and then its time can still
   * be read.
   */
  readonly undecodable?: 'line' | 'value'
  /** 1: appended after the first run has ended or was killed. */
  readonly round: 0 | 1
  /** Its record id, for logs. */
  readonly id?: string
}

/** The format of `w`. */
export const timeFormat = 'yyyy-MM-dd HH:mm:ss.SSS'

/** The event time of a source is its field `w`. */
export interface EventTime {
  /** How far records may be out of order, ms; null: unbounded. */
  readonly outOfOrder: number | null
  /** How far a lane may be read ahead of others, ms. */
  readonly maxSkew?: number
}

/** A file, or a partition of a log. */
export interface Split {
  readonly name: string
  readonly records: readonly InputRecord[]
}

export interface Source {
  readonly id: string
  /** Folder or stream name; default: the source's id. */
  readonly place?: string
  /** Default: `sourceShape`. */
  readonly fields?: Shape
  readonly kind: 'csv' | 'jsonl' | 'log'
  readonly splits: readonly Split[]
  /**
   * Padding bytes per line: files are read in chunks of 64 KiB, and a small file should still yield several batches.
   */
  readonly pad: number
  /** Log: records per append, which is also the size of a batch. */
  readonly chunk: number
  readonly afterRead?: 'delete'
  readonly eventTime?: EventTime
  readonly onError?: Policy
  /** Delay after each batch, ms, cycled. */
  readonly delays: readonly number[]
}

/** A condition: `field % mod == is`, or `field >= atLeast`. */
export type Test =
  | { readonly field: 'n' | 'q'; readonly mod: number; readonly is: number }
  | { readonly field: 'n' | 'q'; readonly atLeast: number }

/** The value that `set` assigns. */
export type SetValue =
  | { readonly constant: string }
  /** `q + plus` */
  | { readonly plus: number }
  /** `100 / (q - ratio)`, which fails where q equals `ratio`. */
  | { readonly ratio: number }
  /** `int(c)` */
  | { readonly whole: true }
  /** `coalesce(k, or)` */
  | { readonly or: string }

/** The first and the last by event time: only of windows. */
export type Total = 'count()' | 'sum(q)' | 'max(n)' | 'min(n)' | 'max(u)' | 'first(n)' | 'last(n)'

/** Windows of an aggregation; all lengths in ms. */
export interface Window {
  readonly length:
    | { readonly tumbling: number; readonly offset: number }
    | { readonly sliding: number; readonly slide: number; readonly offset: number }
    | { readonly session: number }
  readonly lateness: number
  /** The output for late records; absent: they are dropped. */
  readonly late?: string
}

/** The functions in project/steps.ts. */
export type CallName = 'shout' | 'odd' | 'fussy' | 'sloppy' | 'twice'

export type Verb =
  | { readonly verb: 'where'; readonly test: Test }
  | { readonly verb: 'set'; readonly field: string; readonly value: SetValue }
  | { readonly verb: 'select'; readonly fields: readonly (readonly [to: string, from: string])[] }
  | { readonly verb: 'drop'; readonly fields: readonly string[] }
  | { readonly verb: 'route'; readonly branches: readonly { name: string; test: Test }[]; readonly rest?: string }
  /** A `set` that splits `t` at `|` into the list `tags`. */
  | { readonly verb: 'split' }
  /** One record per item of `tags`. */
  | { readonly verb: 'explode' }
  | {
      readonly verb: 'aggregate'
      readonly by: readonly string[]
      readonly outputs: Readonly<Record<string, Total>>
      readonly cap: number
      readonly window?: Window
      /** Absent: the default, which is `on_end`, and without a window the end of the input. */
      readonly emit?: 'on_end' | 'on_close' | 'on_change'
    }
  | {
      readonly verb: 'dedupe'
      readonly by: readonly string[]
      readonly last: number
      readonly nulls?: 'pass' | 'equal'
    }
  | { readonly verb: 'join'; readonly how: 'inner' | 'left'; readonly field: string; readonly side: 'file' | 'source' }
  | { readonly verb: 'call'; readonly name: CallName }
  | { readonly verb: 'parse_dates'; readonly to: string }
  | { readonly verb: 'cast' }

export type Step = Verb & {
  readonly id: string
  readonly from: readonly string[]
  readonly onError?: Policy
}

export type SinkKind =
  /** Documents by record id. */
  | { readonly kind: 'id' }
  /** Documents by key. `set`: each record adds an attribute to the document of its key. */
  | { readonly kind: 'key'; readonly key: readonly string[]; readonly write: 'upsert' | 'insert' | 'set' }
  | { readonly kind: 'table' }
  /** Files. `roll`: records per file; absent: a single file. */
  | { readonly kind: 'files'; readonly format: 'jsonl' | 'json' | 'parquet'; readonly roll?: number }
  | { readonly kind: 'log'; readonly key?: string; readonly partitions: number }

export type Sink = SinkKind & {
  readonly id: string
  /** Name of the collection, table, folder or stream; default: the sink's id. */
  readonly place?: string
  readonly from: readonly string[]
  /** Delay of each write and flush, ms, cycled. */
  readonly delays: readonly number[]
}

/** `RunOptions.bounds` of core: when an epoch may be cut, and how far reading may run ahead. */
export interface Bounds {
  readonly minRecords: number
  readonly minMs: number
  readonly rollRecords: number
  readonly rollMs: number
  readonly aheadRows: number
  readonly tickMs: number
}

export interface Case {
  readonly seed: number
  readonly number: number
  readonly description?: string
  /** A comment in the spec file. */
  readonly comment?: string
  readonly runs: 'whole' | 'continue'
  readonly onError: Policy
  readonly deadLetter?: 'sqlite' | 'files'
  readonly sources: readonly Source[]
  readonly steps: readonly Step[]
  readonly sinks: readonly Sink[]
  /** The rows of the side input that every join reads. */
  readonly side: readonly { readonly k: string; readonly name: string }[]
  readonly bounds: Bounds
  /** Published files are moved away by their readers after a kill. */
  readonly filesMoved: boolean
  /** The `at`-th call of this method fails once, with an error that can be retried. */
  readonly outage?: {
    readonly node: string
    readonly call: 'open' | 'write' | 'flush' | 'publish' | 'read'
    readonly at: number
  }
}

/** The record with every defect fixed: an operator replaces one that stopped the run with it. */
export function correctedRecord(record: InputRecord): InputRecord {
  const { undecodable: _, ...rest } = record
  return {
    ...rest,
    k: record.k ?? 'a',
    d: record.d.replace('x', '2'),
    c: record.c.replace('x', '1'),
    t: record.t.replace('boom', 'bonm'),
    w: record.w?.replace('x', '2') ?? '2024-03-01 00:00:00.000',
  }
}

/** A step that puts records into windows. */
export type WindowStep = Step & { readonly verb: 'aggregate'; readonly window: Window }

export const isWindowStep = (step: Step): step is WindowStep => step.verb === 'aggregate' && step.window !== undefined

/** Whether its results can be emitted again when more records have come. */
export const canUpdate = (step: Step): boolean =>
  step.verb === 'aggregate' &&
  (step.emit === 'on_change' ||
    (step.window !== undefined &&
      !('session' in step.window.length) &&
      step.emit !== 'on_close' &&
      step.window.lateness > 0))
