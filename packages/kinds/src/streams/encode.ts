/**
 * Converts rows to the values, keys and headers of stream records.
 *
 * A write is encoded in pieces, so that only a few large records are in memory as bytes in addition to the rows. A
 * record whose value, key or headers cannot be encoded is reported, and the others are encoded without it.
 */
import {
  compileKey,
  DataError,
  fieldOf,
  type Problem,
  type RecordType,
  type Records,
  type Row,
  toText,
  type Type,
  typeText,
  type WriteFailure,
} from '@millrace/core'
import { compileEachEncoder, encodingFault, halfPair, OutputBytes, type RefusedRow } from '@millrace/formats'
import { keyProblems } from '../keys.ts'

/** How records become messages of a stream. */
export interface StreamEncoding {
  readonly schema: RecordType
  readonly format: 'json' | 'text' | 'bytes'
  readonly valueField: string
  readonly key?: string | readonly string[] | undefined
  readonly headersField?: string | undefined
}

/** Headers of a message. */
export type Headers = Readonly<Record<string, string>>

/** A piece of a write: `body.subarray(starts[i], ends[i])` is value i, without separators. */
export interface EncodedValues {
  readonly records: Records
  /** The index of each in the write, ascending. */
  readonly indexes: readonly number[]
  /** Lent: valid until the next piece is requested. */
  readonly body: Buffer
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** Values are JSON objects, each followed by a line feed. */
  readonly lines: boolean
  readonly keys: readonly (string | null)[]
  readonly headers: readonly (Headers | null)[] | undefined
}

/** Encodes a write in pieces, in order. Records that cannot be encoded go to `failures` and are in no piece. */
export type StreamEncoder = (records: Records, failures: WriteFailure[]) => Iterable<EncodedValues>

/** A piece ends when its values have this many bytes. */
const pieceBytes = 1024 * 1024

/** How many rows to encode before the size is checked again: large ones one by one. */
const rowsAtOnce = (bytes: number, rows: number): number => (rows === 0 || bytes > rows * 64 * 1024 ? 1 : 8)

/** Makes the function that encodes writes. */
export function streamEncoder(options: StreamEncoding): StreamEncoder {
  const { schema, format, valueField, headersField } = options
  const keyOf = compileTransportKey(options)
  const append = format === 'json' ? jsonValues(schema, headersField) : plainValues(schema, format, valueField)
  const out = new OutputBytes()

  return function* (records, failures) {
    let indexes: number[] = []
    let keys: (string | null)[] = []
    let headers: (Headers | null)[] = []
    let ends: number[] = []
    const piece = (): EncodedValues => {
      const between = format === 'json' ? 1 : 0
      const starts = new Int32Array(ends.length)
      for (let k = 1; k < ends.length; k++) starts[k] = ends[k - 1]! + between
      return {
        records: indexes.length === records.length ? records : records.pick(indexes),
        indexes,
        body: out.lend(),
        starts,
        ends: Int32Array.from(ends),
        lines: format === 'json',
        keys,
        headers: headersField === undefined ? undefined : headers,
      }
    }
    for (let next = 0; next < records.length; ) {
      const rows: Row[] = []
      const first = indexes.length
      const most = rowsAtOnce(out.at, first)
      for (; next < records.length && rows.length < most; next++) {
        const row = records.rows[next]!
        try {
          const key = keyOf(records, next)
          if (headersField !== undefined) headers.push(headersOf(row, headersField))
          keys.push(key)
          indexes.push(next)
          rows.push(row)
        } catch (error) {
          failures.push({ index: next, kind: 'data', ...faultOf(error) })
        }
      }
      // From the last to the first, so that earlier indexes stay valid.
      for (const { index, ...why } of append(rows, out, ends)?.toReversed() ?? []) {
        const [failed] = indexes.splice(first + index, 1)
        keys.splice(first + index, 1)
        headers.splice(first + index, 1)
        failures.push({ index: failed!, kind: 'data', ...why })
      }
      if (out.at < pieceBytes && next < records.length) continue
      if (indexes.length > 0) yield piece()
      indexes = []
      keys = []
      headers = []
      ends = []
    }
  }
}

/** Appends the values of rows, and where each ends, without a line feed; returns the rows that cannot be encoded. */
type Append = (rows: readonly Row[], out: OutputBytes, ends: number[]) => readonly RefusedRow[] | undefined

function jsonValues(schema: RecordType, headersField: string | undefined): Append {
  const fields = Object.fromEntries(Object.entries(schema.fields).filter(([name]) => name !== headersField))
  const encode = compileEachEncoder({ ...schema, fields }, { after: '\n' })
  return (rows, out, ends) => {
    let at = out.at
    const { refused } = encode(rows, out)
    while (at < out.at) {
      const end = out.buffer.indexOf(10, at)
      ends.push(end)
      at = end + 1
    }
    return refused
  }
}

function plainValues(schema: RecordType, format: 'text' | 'bytes', valueField: string): Append {
  const text = toText(fieldOf(schema, valueField)!.type)
  return (rows, out, ends) => {
    const refused: RefusedRow[] = []
    for (const [index, row] of rows.entries()) {
      try {
        const value = row[valueField]
        if (value === null || value === undefined)
          throw new DataError(
            'missing_value',
            `${valueField} is null, which a value of ${format} cannot represent`,
            valueField,
          )
        if (format === 'bytes') out.bytes(value as Uint8Array)
        else out.text(wellFormed(text(value), valueField))
        ends.push(out.at)
      } catch (error) {
        refused.push({ index, ...faultOf(error, valueField) })
      }
    }
    return refused
  }
}

/** The transport key of record i: according to the options, or the record's own. Throws if it has none. */
function compileTransportKey({ schema, key }: StreamEncoding): (records: Records, i: number) => string | null {
  if (key === undefined) {
    return (records, i) => {
      const made = records.key(i)
      return made === undefined ? null : wellFormed(made)
    }
  }
  const names = typeof key === 'string' ? [key] : key
  const keyOf = compileKey(schema, names)
  return ({ rows }, i) => {
    const made = keyOf(rows[i]!)
    if (made !== undefined) return wellFormed(made, names[0]!)
    const missing = names.find((name) => (rows[i]![name] ?? null) === null)
    throw new DataError('null_key', `the key ${names.join(', ')} has a part that is null`, missing)
  }
}

function headersOf(row: Row, field: string): Headers | null {
  const headers = row[field] ?? null
  if (headers === null) return null
  const entries = typeof headers === 'object' && !Array.isArray(headers) ? Object.entries(headers) : [['', undefined]]
  if (entries.every(([name, value]) => typeof value === 'string' && value.isWellFormed() && name!.isWellFormed()))
    return headers as Headers
  throw new DataError('bad_headers', `${field} is not an object of strings, as headers must be`, field)
}

/** UTF-8 cannot represent an unpaired surrogate; it would silently become another character. */
function wellFormed(text: string, field?: string): string {
  if (text.isWellFormed()) return text
  throw new DataError('bad_text', `${field ?? 'the key'}: ${halfPair}`, field)
}

function faultOf(error: unknown, field?: string): Omit<RefusedRow, 'index'> {
  if (!(error instanceof DataError)) return encodingFault(error, field)
  const { code, message } = error
  return { code, message, field: error.field }
}

/** Problems with writing records of this type to a stream. */
export function streamAccepts(options: Omit<StreamEncoding, 'schema'>, input: RecordType): Problem[] {
  const { format, valueField, key, headersField } = options
  const found = keyProblems({ key }, input)
  const wrong = (at: string, message: string, expected: string) =>
    found.push({ code: 'bad_value', message, at: [at], expected })
  const value = fieldOf(input, valueField)
  if (format !== 'json' && !value)
    wrong('value_field', `the records have no field \`${valueField}\` for the value`, 'a field of the records')
  const isBytes = value?.type.kind === 'bytes'
  if (format !== 'json' && value && isBytes !== (format === 'bytes'))
    wrong('value_field', `\`${valueField}\` is ${typeText(value.type)}, not ${format}`, format)
  const headers = headersField === undefined ? undefined : fieldOf(input, headersField)
  if (headers && headers.type.kind !== 'object' && headers.type.kind !== 'json')
    wrong('headers_field', `\`${headersField}\` is ${typeText(headers.type)}`, 'an object of strings')
  return found
}

/** The JSON form of a field of this type, in words: for `mapping` of sinks that write JSON. */
export function jsonForm(type: Type): string {
  switch (type.kind) {
    case 'boolean':
      return 'JSON true, false'
    case 'integer':
    case 'number':
      return 'JSON number'
    case 'date':
      return 'JSON string `yyyy-MM-dd`'
    case 'timestamp':
      return 'JSON string `yyyy-MM-ddTHH:mm:ss.SSSZ`'
    case 'time':
      return 'JSON string `HH:mm:ss`, with its fraction'
    case 'fine_timestamp':
      return `JSON string \`yyyy-MM-ddTHH:mm:ss.${'S'.repeat(type.precision)}Z\``
    case 'bytes':
      return 'JSON string, base64'
    case 'list':
      return `JSON array of ${jsonForm(type.of.type)}`
    case 'map':
      return `JSON object of ${jsonForm(type.of.type)}`
    case 'object':
      return 'JSON object'
    case 'json':
      return 'JSON, as it is'
    default:
      return 'JSON string'
  }
}
