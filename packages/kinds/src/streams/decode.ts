/** Converts values of stream records to rows, and adds the fields that do not come from the value. */
import { isUtf8 } from 'node:buffer'
import {
  type BadRecord,
  type Beside,
  DataError,
  type Json,
  type RecordType,
  type Row,
  type Tally,
} from '@millrace/core'
import { asBuffer, type Block, type ReadOptions, valueReader } from '@millrace/formats'
import { type BesideField, besideFields, type Message, messageOf, misfit } from './beside.ts'

/** How messages of a stream are read. */
export interface StreamDecoding extends ReadOptions {
  readonly format: 'json' | 'text' | 'bytes'
  readonly valueField: string
  readonly keyField?: string | undefined
  readonly timestampField?: string | undefined
  readonly headersField?: string | undefined
  /** What becomes of a record without a value. Undefined: see `keepsNull`. */
  readonly tombstones?: 'error' | 'skip' | 'keep' | undefined
}

/** Makes rows of messages. */
export interface StreamDecoder {
  /**
   * The row of one value, which may be part of `block`; undefined: it is bad, and `failure` says why. A message that is
   * a tombstone has a row only if they are kept.
   */
  decode(value: Uint8Array, message: Message, block?: Block): Row | undefined
  failure: Pick<BadRecord, 'code' | 'field' | 'message' | 'step'>
  /** Values are JSON objects. */
  readonly isJson: boolean
  /** Messages without a value are left out, so they are not decoded. */
  readonly skipsTombstones: boolean
  /** Whether rows have fields from outside the value, from the headers, and from the time. */
  readonly needs: { readonly beside: boolean; readonly headers: boolean; readonly time: boolean }
  /** Counts the fields that are left out of rows. */
  readonly tally: Tally
}

/**
 * Makes a decoder. Throws `MillraceError` if the options name fields that the schema does not have, or has with a
 * different type.
 */
export function streamDecoder(options: StreamDecoding): StreamDecoder {
  const { format, valueField, schema } = options
  const besides = besideFields(options)
  const names = new Set(besides.map(({ name }) => name))
  const fields = Object.fromEntries(Object.entries(schema.fields).filter(([name]) => !names.has(name)))
  if (format !== 'json') checkValueField(format, valueField, fields)
  const tombstones = options.tombstones ?? (keepsNull(format, valueField, fields) ? 'keep' : 'error')
  if (tombstones === 'keep') checkOptional(fields)
  const reader = format === 'json' ? valueReader({ ...options, schema: { ...schema, fields } }) : undefined
  const nothing = Object.fromEntries(Object.keys(fields).map((name) => [name, null]))
  const decoder: StreamDecoder = {
    failure: { code: 'bad_json' },
    isJson: format === 'json',
    skipsTombstones: tombstones === 'skip',
    needs: {
      beside: besides.length > 0,
      headers: options.headersField !== undefined,
      time: options.timestampField !== undefined,
    },
    tally: reader?.tally ?? { unknown: 0 },
    decode(value, message, block) {
      const row = message.tombstone ? withoutValue() : reader ? reader.read(asBuffer(value), block) : plain(value)
      if (!row) {
        if (reader && !message.tombstone) decoder.failure = reader.failure
        return undefined
      }
      return besides.length === 0 ? row : withBeside(row, message)
    },
  }
  const withoutValue = (): Row | undefined => {
    if (tombstones === 'keep') return { ...nothing }
    decoder.failure = {
      code: 'tombstone',
      message: 'the record has no value: `tombstones` of the source says what then',
    }
    return undefined
  }
  const plain = (value: Uint8Array): Row | undefined => {
    if (format === 'bytes') return { [valueField]: value }
    if (isUtf8(value)) return { [valueField]: asBuffer(value).toString('utf8') }
    decoder.failure = { code: 'bad_encoding', message: 'the value is not UTF-8: use `format: bytes`' }
    return undefined
  }
  const withBeside = (row: Row, message: Message): Row | undefined => {
    let at: BesideField | undefined
    try {
      for (at of besides) row[at.name] = at.read(message)
      return row
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      decoder.failure = { code: error.code, field: at!.name, message: error.message }
      return undefined
    }
  }
  return decoder
}

/** A value that is text or bytes may be null where its field may: nothing else says that there is none. */
const keepsNull = (format: StreamDecoding['format'], valueField: string, fields: RecordType['fields']): boolean =>
  format !== 'json' && fields[valueField]?.optional === true

/** A value that is not a JSON object becomes one field, so no other may be required. */
function checkValueField(format: 'text' | 'bytes', name: string, fields: RecordType['fields']): void {
  const wanted = format === 'text' ? 'string' : 'bytes'
  const kind = fields[name]?.type.kind
  if (kind === undefined) throw misfit('value_field', name, 'is not a field of the schema')
  if (kind !== wanted)
    throw misfit('value_field', name, `is of type ${kind}: with \`format: ${format}\` it is ${wanted}`)
  const empty = Object.entries(fields).find(([other, { optional }]) => other !== name && !optional)
  if (empty)
    throw misfit('value_field', name, `is the whole value, but nothing provides the required field ${empty[0]}`)
}

/** The row of a record without a value has no field of it. */
function checkOptional(fields: RecordType['fields']): void {
  const required = Object.entries(fields).find(([, { optional }]) => !optional)
  if (required) throw misfit('tombstones', required[0], 'is required, but a record without a value has no such field')
}

/** Decodes one dead letter's value again. Throws `DataError`. */
export function decodeAgain(
  decoder: StreamDecoder,
  bytes: Uint8Array,
  context: Json | undefined,
  beside: Beside = {},
): Row {
  if (context === undefined && decoder.needs.time)
    throw new DataError('not_replayable', 'the time of the record was not kept')
  const row = decoder.decode(bytes, messageOf(beside, context))
  if (row) return row
  const { code, message, field } = decoder.failure
  throw new DataError(code, message ?? code, field)
}
