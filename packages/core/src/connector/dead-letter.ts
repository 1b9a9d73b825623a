/**
 * What is kept of a failed record: enough to find it, to understand it, and to replay it unchanged with a fixed spec. A
 * dead letter is a row of this schema, written by the sink under `dead_letter` in the spec.
 */
import { printJson, setOwn, toJson } from '../convert/index.ts'
import { type Beside, headersJson, type Json, type Result, type Row, wireBytes } from '../record/index.ts'
import type { RecordType, Type } from '../schema/index.ts'

const text: Type = { kind: 'string' }
const required = (type: Type) => ({ type, optional: false })
const optional = (type: Type) => ({ type, optional: true })

/** The fields of a dead letter, in order. */
export const deadLetterSchema: RecordType = {
  fields: {
    /** The record's id, which a replay keeps. */
    id: required(text),
    /** The end of the id that distinguishes several records made from one. */
    path: optional(text),
    pipeline: required(text),
    /** Empty if the record is a result of a step and has no origin. */
    source: required(text),
    split: required(text),
    position: required(text),
    /** The source, step or sink in which it failed. */
    step: required(text),
    code: required(text),
    field: optional(text),
    message: optional(text),
    spec_hash: required(text),
    /** What decoding needs in addition to the bytes, as JSON text. */
    context: optional(text),
    /** Its transport key, as text, or in base64 if it is not UTF-8. */
    key: optional(text),
    key_bytes: optional(text),
    /** Its headers, as JSON text: a list of names and values. */
    headers: optional(text),
    /** Its arrival and its event time. */
    arrived_at: optional({ kind: 'timestamp' }),
    event_time: optional({ kind: 'timestamp' }),
    /** `raw`: the original bytes; `tombstone`: it has no value; `row`: the row as JSON, if there are no bytes. */
    form: required(text),
    /** Base64. */
    bytes: required(text),
  },
}

/** The key of a dead letter: the record's id, and the node at which it stopped. */
export interface LetterKey {
  readonly id: string
  readonly node: string
}

/** A record that failed, at one node. */
export interface Failure extends Beside {
  readonly node: string
  readonly code: string
  readonly field?: string | undefined
  readonly message?: string | undefined
  readonly id: string
  readonly path?: string | undefined
  /** Empty for a result of a step. */
  readonly source: string
  readonly split: string
  readonly position: string | number
  readonly context?: Json | undefined
  readonly arrival?: number | undefined
  readonly time?: number | undefined
  /** Original bytes; undefined: `row`, of type `rowType`, replaces them. */
  readonly bytes?: Uint8Array | undefined
  readonly row?: Row | undefined
  readonly rowType?: RecordType | undefined
  readonly result?: Result | undefined
  /** The letter that this is a replay of. */
  readonly letter?: LetterKey | undefined
}

/** A failure as a row of `deadLetterSchema`. */
export function deadLetterRow(failure: Failure, pipeline: string, specHash: string): Row & { readonly bytes: string } {
  const { bytes, row, rowType, key, headers, tombstone } = failure
  return {
    id: failure.id,
    path: failure.path || null,
    pipeline,
    source: failure.source,
    split: failure.split,
    position: String(failure.position),
    step: failure.node,
    code: failure.code,
    field: failure.field ?? null,
    message: failure.message ?? null,
    spec_hash: specHash,
    context: failure.context === undefined ? null : JSON.stringify(failure.context),
    key: typeof key === 'string' ? key : null,
    key_bytes: key === undefined || typeof key === 'string' ? null : wireBytes(key).toString('base64'),
    headers: headers === undefined ? null : JSON.stringify(headersJson(headers)),
    arrived_at: timeOf(failure.arrival),
    event_time: timeOf(failure.time),
    form: tombstone && bytes ? 'tombstone' : bytes ? 'raw' : 'row',
    bytes: (bytes ? wireBytes(bytes) : Buffer.from(rowText(row ?? {}, rowType))).toString('base64'),
  }
}

/** Times in years that have no text form are left out: the bytes still have them. */
const timeOf = (ms: number | undefined): number | null =>
  ms === undefined || !(Math.abs(ms) < 8.64e15) || ms < -62_135_596_800_000 || ms > 253_402_300_799_999 ? null : ms

/** A row as JSON text, each value in the JSON form of its type. A value without one becomes text. */
function rowText(row: Row, type: RecordType | undefined): string {
  const bare = (value: unknown): unknown =>
    typeof value === 'bigint'
      ? String(value)
      : value instanceof Uint8Array
        ? wireBytes(value).toString('base64')
        : value
  const encoded: Row = {}
  for (const [name, value] of Object.entries(row)) {
    const field = type && Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
    try {
      setOwn(encoded, name, field ? toJson(field.type)(value) : bare(value))
    } catch {
      setOwn(encoded, name, bare(value))
    }
  }
  return printJson(encoded)
}
