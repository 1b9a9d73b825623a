/**
 * One generated case: a graph, its input and how it is run. Plain data, so that a case can be printed, sent to another
 * process and shrunk. The spec (project/spec.ts), the input's bytes (project/input.ts) and the prediction (model/) are
 * each made of it, independently of one another.
 */

/** What becomes of a record that fails. */
export type Policy = 'stop' | 'dead_letter' | 'drop'

export type FieldType = 'string' | 'integer' | 'number' | 'bytes' | 'list<string>'
export interface Field {
  readonly type: FieldType
  readonly optional?: boolean
}
/** The fields of a record, by name. */
export type Shape = Readonly<Record<string, Field>>

/** The fields that every source has. `u` names the record in every output and is never dropped. */
export const sourceShape: Shape = {
  n: { type: 'integer' },
  u: { type: 'string' },
  k: { type: 'string', optional: true },
  q: { type: 'integer' },
  d: { type: 'string' },
  c: { type: 'string' },
  t: { type: 'string' },
  b: { type: 'bytes' },
}

/** One record as it stands in an input. A text that holds an `x` (`d`, `c`) is no date or number; `boom` in `t` fails some functions. */
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
  /** Its line cannot be decoded. */
  readonly torn?: boolean
  /** 1: it comes when the first run is over, or dead. */
  readonly round: 0 | 1
  /** The id under which it stands in a log. */
  readonly id?: string
}

/** A file, or a partition of a log. */
export interface Split {
  readonly name: string
  readonly records: readonly InputRecord[]
}

export interface Source {
  readonly id: string
  /** The folder or stream; default: its id. */
  readonly place?: string
  /** Its schema; default: `sourceShape`. */
  readonly fields?: Shape
  readonly kind: 'csv' | 'jsonl' | 'log'
  readonly splits: readonly Split[]
  /** Bytes that fill each line up, so that a file of few records comes in several batches. */
  readonly pad: number
  /** Records of a log that are appended together. */
  readonly chunk: number
  readonly afterRead?: 'delete'
  readonly onError?: Policy
  /** The milliseconds it takes for each batch, in turn. */
  readonly pauses: readonly number[]
}

/** A condition: `field % mod == is`, or `field >= atLeast`. */
export type Test =
  | { readonly field: 'n' | 'q'; readonly mod: number; readonly is: number }
  | { readonly field: 'n' | 'q'; readonly atLeast: number }

/** What `set` sets a field to. */
export type SetValue =
  | { readonly constant: string }
  /** `q + plus` */
  | { readonly plus: number }
  /** `100 / (q - ratio)`: fails where q is `ratio`. */
  | { readonly ratio: number }
  /** `int(c)` */
  | { readonly whole: true }
  /** `coalesce(k, or)` */
  | { readonly or: string }

export type Total = 'count()' | 'sum(q)' | 'max(n)' | 'min(n)' | 'max(u)'

/** The functions of steps.ts. */
export type CallName = 'shout' | 'odd' | 'fussy' | 'sloppy' | 'twice'

export type Verb =
  | { readonly verb: 'where'; readonly test: Test }
  | { readonly verb: 'set'; readonly field: string; readonly value: SetValue }
  | { readonly verb: 'select'; readonly fields: readonly (readonly [to: string, from: string])[] }
  | { readonly verb: 'drop'; readonly fields: readonly string[] }
  | { readonly verb: 'route'; readonly branches: readonly { name: string; test: Test }[]; readonly rest?: string }
  /** Parts of `t`, split at `|` by a `set` before it, become records. */
  | { readonly verb: 'explode' }
  | { readonly verb: 'split' }
  | {
      readonly verb: 'aggregate'
      readonly by: readonly string[]
      readonly outputs: Readonly<Record<string, Total>>
      readonly cap: number
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
  /** Documents by key; `set`: each record is an attribute of its key's document. */
  | { readonly kind: 'key'; readonly key: readonly string[]; readonly write: 'upsert' | 'insert' | 'set' }
  | { readonly kind: 'table' }
  /** Files; `roll`: records of a file, absent: one file to the end. */
  | { readonly kind: 'files'; readonly format: 'jsonl' | 'json' | 'parquet'; readonly roll?: number }
  | { readonly kind: 'log'; readonly key?: string; readonly partitions: number }

export type Sink = SinkKind & {
  readonly id: string
  /** The collection, table, folder or stream; default: its id. */
  readonly place?: string
  readonly from: readonly string[]
  /** The milliseconds it takes for each write and flush, in turn. */
  readonly pauses: readonly number[]
}

/** When an epoch may be cut, and how far it may be read ahead: options of core's `run`. */
export interface Bounds {
  readonly minRecords: number
  readonly minMs: number
  readonly holdRecords: number
  readonly holdMs: number
  readonly aheadRows: number
  readonly tickMs: number
}

export interface Case {
  readonly seed: number
  readonly number: number
  readonly description?: string
  /** A comment in the spec. */
  readonly comment?: string
  readonly runs: 'whole' | 'continue'
  readonly onError: Policy
  readonly deadLetter?: 'sqlite' | 'files'
  readonly sources: readonly Source[]
  readonly steps: readonly Step[]
  readonly sinks: readonly Sink[]
  /** The other side of every join. */
  readonly side: readonly { readonly k: string; readonly name: string }[]
  readonly bounds: Bounds
  /** Readers take published files away after a kill. */
  readonly taken: boolean
  /** A connector's call fails once, in a way that passes: the how-manieth of all. Absent: none does. */
  readonly outage?: {
    readonly node: string
    readonly call: 'open' | 'write' | 'flush' | 'publish' | 'read'
    readonly at: number
  }
}

/** The record with everything good that can be: what a person puts in the place of one that stopped the run. */
export function mended(record: InputRecord): InputRecord {
  const { torn: _, ...rest } = record
  return {
    ...rest,
    k: record.k ?? 'a',
    d: record.d.replace('x', '2'),
    c: record.c.replace('x', '1'),
    t: record.t.replace('boom', 'bonm'),
  }
}
