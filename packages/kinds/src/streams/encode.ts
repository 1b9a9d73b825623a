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
  type Headers,
  type Problem,
  type RecordType,
  type Records,
  type Row,
  toText,
  type Type,
  typeText,
  type WireText,
  wireText,
  type WriteFailure,
} from '@millrace/core'
import { asBuffer, compileEachEncoder, encodingFault, halfPair, OutputBytes, type RefusedRow } from '@millrace/formats'
import { keyProblems } from '../keys.ts'
import { compileHeadersField } from './headers.ts'

/** How records become messages of a stream. */
export interface StreamEncoding {
  readonly schema: RecordType
  readonly format: 'json' | 'text' | 'bytes'
  readonly valueField: string
  readonly key?: string | readonly string[] | undefined
  readonly headersField?: string | undefined
  /** What becomes of a record without a value. Undefined: one that came without is written so, others are bad. */
  readonly onNull?: 'write' | 'error' | 'skip' | undefined
}

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
  readonly keys: readonly (WireText | null)[]
  readonly headers: readonly (Headers | null)[] | undefined
  /** Those that have no value: not the same as one of no bytes. */
  readonly nulls: ReadonlySet<number> | undefined
}

/** Encodes a write in pieces, in order. Records that cannot be encoded go to `failures` and are in no piece. */
export type StreamEncoder = (records: Records, failures: WriteFailure[]) => Iterable<EncodedValues>

/** A piece ends when its values have this many bytes. */
const pieceBytes = 1024 * 1024

/** How many rows to encode before the size is checked again: large ones one by one. */
const rowsAtOnce = (bytes: number, rows: number): number => (rows === 0 || bytes > rows * 64 * 1024 ? 1 : 8)

/** Makes the function that encodes writes. */
export function streamEncoder(options: StreamEncoding): StreamEncoder {
  const { schema, format, headersField, valueField } = options
  const keyOf = compileTransportKey(options)
  const writeHeaders =
    headersField === undefined ? undefined : compileHeadersField(fieldOf(schema, headersField)!.type).write
  const nullOf = compileNulls(options)
  const append = format === 'json' ? jsonValues(schema, headersField) : plainValues(schema, format, valueField)
  const out = new OutputBytes()

  return function* (records, failures) {
    let indexes: number[] = []
    let keys: (WireText | null)[] = []
    let headers: (Headers | null)[] = []
    let nulls: number[] = []
    const isNull = nullOf(records)
    const headersOf = (i: number): Headers | null => {
      const value = records.rows[i]![headersField!] ?? null
      return value === null ? null : inField(headersField!, () => writeHeaders!(value))
    }
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
        headers: writeHeaders ? headers : undefined,
        nulls: nulls.length > 0 ? new Set(nulls) : undefined,
      }
    }
    for (let next = 0; next < records.length; ) {
      const rows: Row[] = []
      const first = indexes.length
      const most = rowsAtOnce(out.at, first)
      for (; next < records.length && rows.length < most; next++) {
        const row = records.rows[next]!
        try {
          const without = isNull?.(next)
          if (without === 'skip') continue
          // It has no row to encode: those before it come first.
          if (without && rows.length > 0) break
          const key = keyOf(records, next)
          if (writeHeaders) headers.push(headersOf(next))
          keys.push(key)
          indexes.push(next)
          if (!without) {
            rows.push(row)
            continue
          }
          nulls.push(indexes.length - 1)
          ends.push(out.at)
          if (format === 'json') out.byte(10)
          next++
          break
        } catch (error) {
          failures.push({ index: next, kind: 'data', ...faultOf(error) })
        }
      }
      // From the last to the first, so that earlier indexes stay valid.
      for (const { index, ...why } of append(rows, out, ends)?.toReversed() ?? []) {
        const [failed] = indexes.splice(first + index, 1)
        keys.splice(first + index, 1)
        if (writeHeaders) headers.splice(first + index, 1)
        failures.push({ index: failed!, kind: 'data', ...why })
      }
      if (out.at < pieceBytes && next < records.length) continue
      if (indexes.length > 0) yield piece()
      indexes = []
      keys = []
      headers = []
      nulls = []
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

/** Undefined: no record of a write is without a value. Of record i: `true`: it is written so; throws if it is bad. */
type NullOf = (records: Records) => ((i: number) => boolean | 'skip') | undefined

/** Text and bytes are null if their field is; an object is only if the record came without a value. */
function compileNulls({ format, valueField, onNull }: StreamEncoding): NullOf {
  const decided = (isTombstone: boolean): true | 'skip' => {
    if (onNull === 'skip') return 'skip'
    if (onNull === 'write' || (isTombstone && onNull === undefined)) return true
    if (isTombstone) throw new DataError('tombstone', 'the record has no value, and the sink has `on_null: error`')
    throw new DataError('missing_value', `${valueField} is null: \`on_null\` of the sink says what then`, valueField)
  }
  return (records) => {
    if (format !== 'json')
      return (i) => ((records.rows[i]![valueField] ?? null) === null ? decided(records.tombstone(i)) : false)
    return records.anyTombstones ? (i) => records.tombstone(i) && decided(true) : undefined
  }
}

/** Names the field in a `DataError`. */
function inField<T>(field: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw error instanceof DataError ? new DataError(error.code, error.message, field) : error
  }
}

/** The transport key of record i: according to the options, or the record's own. Throws if it has none. */
function compileTransportKey({ schema, key }: StreamEncoding): (records: Records, i: number) => WireText | null {
  if (key === undefined) {
    return (records, i) => {
      const made = records.key(i)
      return made === undefined ? null : typeof made === 'string' ? wellFormed(made) : made
    }
  }
  const names = typeof key === 'string' ? [key] : key
  const only = names.length === 1 ? names[0]! : undefined
  // A key that is bytes is these bytes, and not their text form.
  if (only !== undefined && fieldOf(schema, only)!.type.kind === 'bytes')
    return ({ rows }, i) => {
      const bytes = rows[i]![only] as Uint8Array | null | undefined
      if (bytes) return wireText(asBuffer(bytes))
      throw new DataError('null_key', `the key ${only} is null`, only)
    }
  const keyOf = compileKey(schema, names)
  return ({ rows }, i) => {
    const made = keyOf(rows[i]!)
    if (made !== undefined) return wellFormed(made, names[0]!)
    const missing = names.find((name) => (rows[i]![name] ?? null) === null)
    throw new DataError('null_key', `the key ${names.join(', ')} has a part that is null`, missing)
  }
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
  const unfit = headers && compileHeadersField(headers.type).wrong
  if (unfit) wrong('headers_field', `\`${headersField}\` ${unfit}`, 'a list of { name: string, value: bytes? }')
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
