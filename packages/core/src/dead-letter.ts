/**
 * What is kept of a record that cannot pass: enough to find it, to understand it and to run it again with a mended spec.
 * A dead letter is a row like any other, of this schema, written by the sink that the spec names under `dead_letter`.
 */
import type { Json, Row } from './record.ts'
import type { RecordType, Type } from './schema.ts'

const text: Type = { kind: 'string' }
const required = (type: Type) => ({ type, optional: false })
const optional = (type: Type) => ({ type, optional: true })

/** The fields of a dead letter, in order. */
export const deadLetterSchema: RecordType = {
  fields: {
    /** The record's id: what a replay keeps. */
    id: required(text),
    /** The end of the id that tells which of several records made of one it is. */
    path: optional(text),
    pipeline: required(text),
    /** Empty where the record is a result of a step and has no origin. */
    source: required(text),
    split: required(text),
    position: required(text),
    /** The source, step or sink that it could not pass. */
    step: required(text),
    code: required(text),
    field: optional(text),
    message: optional(text),
    /** Tries of the write that failed; 1 where nothing was tried twice. */
    attempts: required({ kind: 'integer' }),
    spec_hash: required(text),
    /** What decoding needs besides the bytes, as JSON text. */
    context: optional(text),
    /** `raw`: the original bytes; `row`: the row as JSON, where there are none. */
    form: required(text),
    /** Base64. */
    bytes: required(text),
  },
}

/** A record that failed, at one node. */
export interface Failure {
  readonly node: string
  readonly code: string
  readonly field?: string | undefined
  readonly message?: string | undefined
  readonly id: string
  readonly path?: string | undefined
  readonly source: string
  readonly split: string
  readonly position: string | number
  readonly context?: Json | undefined
  /** Original bytes; undefined: `row` stands for them. */
  readonly bytes?: Uint8Array | undefined
  readonly row?: Row | undefined
  readonly attempts?: number
}

/** Values that JSON has no form for, as their text forms. */
const plain = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint'
    ? value.toString()
    : value instanceof Uint8Array
      ? Buffer.from(value).toString('base64')
      : value

/** A failure as a row of `deadLetterSchema`. */
export function deadLetterRow(failure: Failure, pipeline: string, specHash: string): Row {
  const { bytes } = failure
  return {
    id: failure.id,
    path: failure.path ?? null,
    pipeline,
    source: failure.source,
    split: failure.split,
    position: String(failure.position),
    step: failure.node,
    code: failure.code,
    field: failure.field ?? null,
    message: failure.message ?? null,
    attempts: failure.attempts ?? 1,
    spec_hash: specHash,
    context: failure.context === undefined ? null : JSON.stringify(failure.context),
    form: bytes ? 'raw' : 'row',
    bytes: bytes
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
      : Buffer.from(JSON.stringify(failure.row ?? null, plain)).toString('base64'),
  }
}
