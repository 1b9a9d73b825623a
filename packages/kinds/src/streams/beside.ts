/** Fields of rows that do not come from a record's value: its key, its time, its headers. */
import {
  type Beside,
  DataError,
  type Field,
  fromText,
  isInstant,
  type Json,
  MillraceError,
  type RecordType,
  type WireText,
} from '@millrace/core'
import { compileHeadersField } from './headers.ts'

/** What a message has in addition to its value. */
export interface Message extends Beside {
  /** ms UTC; -1: the message has none, as Kafka says it. */
  readonly timestamp: number
}

/** The part of it that is a record's context. */
export const contextOf = (timestamp: number): Json => ({ timestamp: timestamp === -1 ? null : timestamp })

/** The message of a dead letter. */
export const messageOf = (beside: Beside, context: Json | undefined): Message => ({
  ...beside,
  timestamp: (context as { readonly timestamp: number | null } | undefined)?.timestamp ?? -1,
})

/** Which fields these are. */
export interface BesideOptions {
  readonly schema: RecordType
  readonly keyField?: string | undefined
  readonly timestampField?: string | undefined
  readonly headersField?: string | undefined
}

/** One of these fields. */
export interface BesideField {
  readonly name: string
  /** Throws `DataError`. */
  readonly read: (message: Message) => unknown
}

/** Throws `MillraceError` if a field is not in the schema, or is of a type that cannot hold it. */
export function besideFields({ keyField, timestampField, headersField, schema }: BesideOptions): BesideField[] {
  const fieldOf = (option: string, name: string): Field => {
    const field = schema.fields[name]
    if (field) return field
    throw misfit(option, name, 'is not a field of the schema')
  }
  const made: BesideField[] = []
  if (keyField !== undefined) made.push({ name: keyField, read: keyReader(fieldOf('key_field', keyField)) })
  if (timestampField !== undefined) {
    const { type, optional } = fieldOf('timestamp_field', timestampField)
    const { kind } = type
    if (kind !== 'timestamp') throw misfit('timestamp_field', timestampField, `is of type ${kind}, not timestamp`)
    made.push({ name: timestampField, read: ({ timestamp }) => instantOf(timestamp, optional) })
  }
  if (headersField !== undefined) {
    const { read, wrong } = compileHeadersField(fieldOf('headers_field', headersField).type)
    if (!read) throw misfit('headers_field', headersField, wrong)
    made.push({ name: headersField, read: ({ headers }) => read(headers ?? []) })
  }
  return made
}

/** A key as bytes, or as a value in its text form. */
function keyReader({ type, optional }: Field): (message: Message) => unknown {
  const parse = type.kind === 'bytes' ? undefined : fromText(type)
  const read = (key: WireText): unknown => {
    if (!parse) return typeof key === 'string' ? Buffer.from(key) : key
    if (typeof key === 'string') return parse(key)
    throw new DataError('bad_encoding', 'the key of the record is not UTF-8: declare its field as `bytes`')
  }
  return ({ key }) => {
    if (key !== undefined) return read(key)
    if (optional) return null
    throw new DataError('missing_value', 'the record has no key')
  }
}

/** A message's time as a timestamp. Throws `DataError`. */
function instantOf(timestamp: number, optional: boolean): number | null {
  if (timestamp === -1 && optional) return null
  if (timestamp === -1) throw new DataError('missing_value', 'the record has no time')
  if (isInstant(timestamp)) return timestamp
  throw new DataError('bad_date', `the record's time of ${timestamp} ms is not within the years 1 to 9999`)
}

/** The error that a field of the schema does not match an option. */
export const misfit = (option: string, name: string, what: string): MillraceError =>
  new MillraceError('bad_value', `\`${option}\`: ${name} ${what}`, {
    hint: 'make the schema of the source match this option',
    exitCode: 2,
  })
