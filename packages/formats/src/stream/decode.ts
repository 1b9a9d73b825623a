/** Values of stream records to rows, and the fields that come from beside the value. */
import { type BadRecord, type DataError, type Json, type RecordType, type Row } from '@millrace/core'
import { recordParser } from '../json/record.ts'
import type { ReadOptions } from '../reader.ts'

/** How messages of a stream are read. */
export interface StreamDecoding extends ReadOptions {
  readonly format: 'json' | 'text' | 'bytes'
  readonly valueField: string
  readonly keyField?: string | undefined
  readonly timestampField?: string | undefined
  readonly headersField?: string | undefined
}

/** What comes beside a value. */
export interface Beside {
  readonly key: string | undefined
  /** ms UTC */
  readonly timestamp: number
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Makes rows of messages. */
export interface StreamDecoder {
  /** The row of one value; undefined: it is bad, and `failure` says why. */
  decode(value: Uint8Array, beside: Beside): Row | undefined
  failure: Pick<BadRecord, 'code' | 'field' | 'message' | 'step'>
}

const strict = new TextDecoder('utf-8', { fatal: true })

/** UTF-8 to text; undefined where it is not. Buffer's own decoding is three times as fast for short values, but puts U+FFFD for what it cannot read. */
function utf8(value: Uint8Array): string | undefined {
  const text = (Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.length)).toString('utf8')
  if (!text.includes('\ufffd')) return text
  try {
    return strict.decode(value)
  } catch {
    return undefined
  }
}

/** Makes a decoder; fields from beside the value are no part of the JSON object. */
export function streamDecoder(options: StreamDecoding): StreamDecoder {
  const { format, valueField, keyField, timestampField, headersField, schema } = options
  const besides = [keyField, timestampField, headersField].filter((name) => name !== undefined)
  const fields = Object.fromEntries(Object.entries(schema.fields).filter(([name]) => !besides.includes(name)))
  const parser = format === 'json' ? recordParser({ ...options, schema: { ...schema, fields } }) : undefined
  const decoder: StreamDecoder = {
    failure: { code: 'bad_json' },
    decode(value, beside) {
      let row: Row | undefined
      if (format === 'bytes') row = { [valueField]: value }
      else {
        const text = utf8(value)
        if (text === undefined) {
          decoder.failure = { code: 'bad_encoding', message: 'the value is not UTF-8: use `format: bytes`' }
          return undefined
        }
        if (!parser) row = { [valueField]: text }
        else {
          row = parser.parse(text)
          if (!row) {
            decoder.failure = parser.failure
            return undefined
          }
        }
      }
      if (besides.length === 0) return row
      if (keyField) row[keyField] = beside.key ?? null
      if (timestampField) row[timestampField] = beside.timestamp
      if (headersField) row[headersField] = beside.headers ?? null
      return row
    },
  }
  return decoder
}

/** Decodes one dead letter's value again. */
export function decodeAgain(decoder: StreamDecoder, bytes: Uint8Array, context: Json | undefined, fail: (failure: StreamDecoder['failure']) => DataError): Row {
  const beside = (context ?? { timestamp: 0 }) as unknown as Beside
  const row = decoder.decode(bytes, beside)
  if (!row) throw fail(decoder.failure)
  return row
}

/** What is wrong with a stream's options for this schema: the field of a text or bytes value, or a field beside it, that the schema does not have. */
export function missingFields(options: Omit<StreamDecoding, keyof ReadOptions>, schema: RecordType): string[] {
  const wanted = [options.format === 'json' ? undefined : options.valueField, options.keyField, options.timestampField, options.headersField]
  return wanted.filter((name): name is string => name !== undefined && !Object.hasOwn(schema.fields, name))
}
