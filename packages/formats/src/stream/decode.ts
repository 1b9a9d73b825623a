/** Values of stream records to rows, and the fields that come from beside the value. */
import { isUtf8 } from 'node:buffer'
import { type BadRecord, type DataError, type Json, type RecordType, type Row, type Tally } from '@millrace/core'
import { type Block, valueReader } from '../json/way.ts'
import type { ReadOptions } from '../reader.ts'
import { asBuffer } from '../text.ts'

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
  /** The row of one value, which may be a part of `block`; undefined: it is bad, and `failure` says why. */
  decode(value: Uint8Array, beside: Beside, block?: Block): Row | undefined
  failure: Pick<BadRecord, 'code' | 'field' | 'message' | 'step'>
  /** Counts the fields that are left out of rows. */
  readonly tally: Tally
}

/** Makes a decoder; fields from beside the value are no part of the JSON object. */
export function streamDecoder(options: StreamDecoding): StreamDecoder {
  const { format, valueField, keyField, timestampField, headersField, schema } = options
  const besides = [keyField, timestampField, headersField].filter((name) => name !== undefined)
  const fields = Object.fromEntries(Object.entries(schema.fields).filter(([name]) => !besides.includes(name)))
  const reader = format === 'json' ? valueReader({ ...options, schema: { ...schema, fields } }) : undefined
  const decoder: StreamDecoder = {
    failure: { code: 'bad_json' },
    tally: reader?.tally ?? { unknown: 0 },
    decode(value, beside, block) {
      const row = reader ? reader.read(asBuffer(value), block) : plain(value)
      if (!row) {
        decoder.failure = reader
          ? reader.failure
          : { code: 'bad_encoding', message: 'the value is not UTF-8: use `format: bytes`' }
        return undefined
      }
      if (besides.length === 0) return row
      if (keyField) row[keyField] = beside.key ?? null
      if (timestampField) row[timestampField] = beside.timestamp
      if (headersField) row[headersField] = beside.headers ?? null
      return row
    },
  }
  const plain = (value: Uint8Array): Row | undefined => {
    if (format === 'bytes') return { [valueField]: value }
    return isUtf8(value) ? { [valueField]: asBuffer(value).toString('utf8') } : undefined
  }
  return decoder
}

/** Decodes one dead letter's value again. */
export function decodeAgain(
  decoder: StreamDecoder,
  bytes: Uint8Array,
  context: Json | undefined,
  fail: (failure: StreamDecoder['failure']) => DataError,
): Row {
  const beside = (context ?? { timestamp: 0 }) as unknown as Beside
  const row = decoder.decode(bytes, beside)
  if (!row) throw fail(decoder.failure)
  return row
}

/** What is wrong with a stream's options for this schema: the field of a text or bytes value, or a field beside it, that the schema does not have. */
export function missingFields(options: Omit<StreamDecoding, keyof ReadOptions>, schema: RecordType): string[] {
  const wanted = [
    options.format === 'json' ? undefined : options.valueField,
    options.keyField,
    options.timestampField,
    options.headersField,
  ]
  return wanted.filter((name): name is string => name !== undefined && !Object.hasOwn(schema.fields, name))
}
