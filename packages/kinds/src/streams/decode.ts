/** Converts values of stream records to rows, and adds the fields that do not come from the value. */
import { isUtf8 } from 'node:buffer'
import {
  type BadRecord,
  DataError,
  type Field,
  fromJson,
  fromText,
  isInstant,
  type Json,
  MillraceError,
  type RecordType,
  type Row,
  type Tally,
} from '@millrace/core'
import { asBuffer, type Block, type ReadOptions, valueReader } from '@millrace/formats'

/** How messages of a stream are read. */
export interface StreamDecoding extends ReadOptions {
  readonly format: 'json' | 'text' | 'bytes'
  readonly valueField: string
  readonly keyField?: string | undefined
  readonly timestampField?: string | undefined
  readonly headersField?: string | undefined
}

/** What a message has in addition to its value. */
export interface Beside {
  readonly key: string | undefined
  /** ms UTC; -1: the message has none, as Kafka says it. */
  readonly timestamp: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The parts whose bytes are not UTF-8, which are therefore left out. */
  readonly unreadable?: readonly ('key' | 'headers')[] | undefined
}

/** The same as a record's context, from which its value is decoded again. */
export const contextOf = ({ key, timestamp, headers, unreadable }: Beside): Json => ({
  ...(key === undefined ? {} : { key }),
  timestamp,
  ...(headers ? { headers } : {}),
  ...(unreadable ? { unreadable } : {}),
})

/** Makes rows of messages. */
export interface StreamDecoder {
  /** The row of one value, which may be part of `block`; undefined: it is bad, and `failure` says why. */
  decode(value: Uint8Array, beside: Beside, block?: Block): Row | undefined
  failure: Pick<BadRecord, 'code' | 'field' | 'message' | 'step'>
  /** Values are JSON objects. */
  readonly isJson: boolean
  /** Whether rows have fields from outside the value, and from the headers. */
  readonly needs: { readonly beside: boolean; readonly headers: boolean }
  /** Counts the fields that are left out of rows. */
  readonly tally: Tally
}

type Part = 'key' | 'timestamp' | 'headers'

interface BesideField {
  readonly part: Part
  readonly name: string
  /** Throws `DataError`. */
  readonly read: (beside: Beside) => unknown
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
  const reader = format === 'json' ? valueReader({ ...options, schema: { ...schema, fields } }) : undefined
  const decoder: StreamDecoder = {
    failure: { code: 'bad_json' },
    isJson: format === 'json',
    needs: { beside: besides.length > 0, headers: options.headersField !== undefined },
    tally: reader?.tally ?? { unknown: 0 },
    decode(value, beside, block) {
      const row = reader ? reader.read(asBuffer(value), block) : plain(value)
      if (!row) {
        decoder.failure = reader
          ? reader.failure
          : { code: 'bad_encoding', message: 'the value is not UTF-8: use `format: bytes`' }
        return undefined
      }
      return besides.length === 0 ? row : withBeside(row, beside)
    },
  }
  const plain = (value: Uint8Array): Row | undefined => {
    if (format === 'bytes') return { [valueField]: value }
    return isUtf8(value) ? { [valueField]: asBuffer(value).toString('utf8') } : undefined
  }
  const withBeside = (row: Row, beside: Beside): Row | undefined => {
    for (const { part, name, read } of besides) {
      try {
        if (part !== 'timestamp' && beside.unreadable?.includes(part))
          throw new DataError('bad_encoding', `the ${part} of the record is not UTF-8`)
        row[name] = read(beside)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        decoder.failure = { code: error.code, field: name, message: error.message }
        return undefined
      }
    }
    return row
  }
  return decoder
}

/** The fields from outside the value. For a record without headers they are an empty object. */
function besideFields({ keyField, timestampField, headersField, schema }: StreamDecoding): BesideField[] {
  const fieldOf = (part: Part, name: string): Field => {
    const field = schema.fields[name]
    if (field) return field
    throw misfit(`${part}_field`, name, 'is not a field of the schema')
  }
  const made: BesideField[] = []
  if (keyField !== undefined) {
    const { type, optional } = fieldOf('key', keyField)
    const read = fromText(type)
    made.push({
      part: 'key',
      name: keyField,
      read({ key }) {
        if (key !== undefined) return read(key)
        if (optional) return null
        throw new DataError('missing_value', 'the record has no key')
      },
    })
  }
  if (timestampField !== undefined) {
    const { type, optional } = fieldOf('timestamp', timestampField)
    const { kind } = type
    if (kind !== 'timestamp') throw misfit('timestamp_field', timestampField, `is of type ${kind}, not timestamp`)
    made.push({ part: 'timestamp', name: timestampField, read: ({ timestamp }) => instantOf(timestamp, optional) })
  }
  if (headersField !== undefined) {
    const { type } = fieldOf('headers', headersField)
    if (type.kind !== 'json' && type.kind !== 'object')
      throw misfit('headers_field', headersField, `is of type ${type.kind}, not json or an object`)
    const read = fromJson(type)
    made.push({ part: 'headers', name: headersField, read: ({ headers }) => read(headers ?? {}) })
  }
  return made
}

/** A message's time as a timestamp. Throws `DataError`. */
function instantOf(timestamp: number, optional: boolean): number | null {
  if (timestamp === -1 && optional) return null
  if (timestamp === -1) throw new DataError('missing_value', 'the record has no time')
  if (isInstant(timestamp)) return timestamp
  throw new DataError('bad_date', `the record's time of ${timestamp} ms is not within the years 1 to 9999`)
}

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

const misfit = (option: string, name: string, what: string): MillraceError =>
  new MillraceError('bad_value', `\`${option}\`: ${name} ${what}`, {
    hint: 'make the schema of the source match this option',
    exitCode: 2,
  })

/** Decodes one dead letter's value again. Throws `DataError`. */
export function decodeAgain(decoder: StreamDecoder, bytes: Uint8Array, context: Json | undefined): Row {
  if (context === undefined && decoder.needs.beside)
    throw new DataError('not_replayable', 'key, time and headers of the record were not kept')
  const row = decoder.decode(bytes, (context ?? { timestamp: 0 }) as unknown as Beside)
  if (row) return row
  const { code, message, field } = decoder.failure
  throw new DataError(code, message ?? code, field)
}
