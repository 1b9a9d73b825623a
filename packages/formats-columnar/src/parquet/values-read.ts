/**
 * The values of a page as they are stored, in every encoding that writers use
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/), as many at a time as requested: in a few bytes,
 * a page may claim more values than memory holds.
 */
import { isUtf8 } from 'node:buffer'
import { tooExpanded } from '../room.ts'
import { broken, unsupported } from './broken.ts'
import { DeltaReader } from './delta-read.ts'
import type { SchemaNode } from './footer.ts'
import { HybridReader } from './hybrid-read.ts'
import { wholeNumbers } from '../stored.ts'
import { badText, isText } from './values.ts'

/** Reads the next `n` values. Throws `MillraceError` `broken_file` if there are fewer. */
export type ReadValues = (n: number) => ArrayLike<unknown>

/** A page's values: bytes of the page from `at` on. `most`: the maximum bytes of the values read at a time. */
export interface ValueBytes {
  readonly page: Buffer
  readonly at: number
  readonly most: number
}

/** The names of encodings by their numbers. */
const encodings = [
  'PLAIN',
  '',
  'PLAIN_DICTIONARY',
  'RLE',
  'BIT_PACKED',
  'DELTA_BINARY_PACKED',
  'DELTA_LENGTH_BYTE_ARRAY',
  'DELTA_BYTE_ARRAY',
  'RLE_DICTIONARY',
  'BYTE_STREAM_SPLIT',
]

const few = () => broken('a page holds fewer values than declared')

/** Makes the reader of a page's values. `dictionary`: of the column chunk. */
export function valuesOf(
  leaf: SchemaNode,
  encoding: number,
  values: ValueBytes,
  dictionary: ArrayLike<unknown> | undefined,
): ReadValues {
  const { page, at } = values
  const type = leaf.type!
  switch (encodings[encoding]) {
    case 'PLAIN':
      return plain(leaf, values)
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return indexed(values, dictionary)
    case 'RLE':
      if (type === 'BOOLEAN') return runs(values)
      break
    case 'DELTA_BINARY_PACKED': {
      if (type !== 'INT32' && type !== 'INT64') break
      const deltas = new DeltaReader(page, at, page.length)
      return type === 'INT32' ? (n) => deltas.int32(n) : (n) => wholeNumbers(deltas.int64(n))
    }
    case 'DELTA_LENGTH_BYTE_ARRAY':
      if (type === 'BYTE_ARRAY') return lengths(leaf, page, at)
      break
    case 'DELTA_BYTE_ARRAY':
      if (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY') return prefixed(leaf, values)
      break
    case 'BYTE_STREAM_SPLIT':
      return split(leaf, values)
  }
  throw unsupported(
    `the column ${leaf.name} holds ${type} in the encoding ${encodings[encoding] || encoding}, which cannot be read`,
    'write the file with version 1 encodings, or leave the field out of the schema',
  )
}

const widths = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 } as const

/** Bytes of a value; undefined: they differ, or it has less than one. */
function widthOf({ type, length }: SchemaNode): number | undefined {
  if (type === 'FIXED_LEN_BYTE_ARRAY') {
    if (length < 1) throw broken('a column of fixed-length values has no length')
    return length
  }
  return type === 'BYTE_ARRAY' || type === 'BOOLEAN' ? undefined : widths[type!]
}

export function plain(leaf: SchemaNode, { page, at: start }: ValueBytes): ReadValues {
  let at = start
  const width = widthOf(leaf)
  if (width !== undefined)
    return (n) => {
      if (n * width > page.length - at) throw few()
      at += n * width
      return fixed(leaf, page, at - n * width, n, width)
    }
  if (leaf.type === 'BOOLEAN') {
    let bit = 8 * at
    return (n) => {
      if (n > 8 * page.length - bit) throw few()
      const out = new Array<boolean>(n)
      for (let i = 0; i < n; i++, bit++) out[i] = ((page[bit >>> 3]! >> (bit & 7)) & 1) === 1
      return out
    }
  }
  const make = maker(leaf)
  return (n) => {
    if (4 * n > page.length - at) throw few()
    const out = new Array<unknown>(n)
    for (let i = 0; i < n; i++) {
      const from = at + 4
      if (from > page.length) throw few()
      const length = page.readUInt32LE(at)
      if (length > page.length - from) throw few()
      at = from + length
      out[i] = make(page, from, at)
    }
    return out
  }
}

/** `n` values of `width` bytes each. */
function fixed({ type }: SchemaNode, page: Buffer, at: number, n: number, width: number): ArrayLike<unknown> {
  switch (type) {
    case 'INT32':
      return new Int32Array(...aligned(page, at, n, width))
    case 'INT64':
      return wholeNumbers(new BigInt64Array(...aligned(page, at, n, width)))
    case 'FLOAT':
      return new Float32Array(...aligned(page, at, n, width))
    case 'DOUBLE':
      return new Float64Array(...aligned(page, at, n, width))
    case 'INT96':
      return Array.from({ length: n }, (_, i) => nanosOf(page, at + i * width))
    default:
      return Array.from({ length: n }, (_, i) => part(page, at + i * width, at + (i + 1) * width))
  }
}

function aligned(page: Buffer, at: number, n: number, width: number): [ArrayBufferLike, number, number] {
  if ((page.byteOffset + at) % width === 0) return [page.buffer, page.byteOffset + at, n]
  return [Uint8Array.prototype.slice.call(page, at, at + n * width).buffer, 0, n]
}

/** INT96 holds a time: nanoseconds of a day, and the day's number, counted from noon of 4714-11-24 BC. */
function nanosOf(page: Buffer, at: number): bigint {
  const days = BigInt(page.readUInt32LE(at + 8)) - 2440588n
  return days * 86_400_000_000_000n + page.readBigUInt64LE(at)
}

const part = (page: Buffer, from: number, to: number): Uint8Array =>
  new Uint8Array(page.buffer, page.byteOffset + from, to - from)

/** Makes the value of a byte array. */
function maker(leaf: SchemaNode): (page: Buffer, from: number, to: number) => unknown {
  if (!isText(leaf)) return part
  return (page, from, to) => {
    const text = page.toString('utf8', from, to)
    return text.includes('\ufffd') && !isUtf8(page.subarray(from, to)) ? badText : text
  }
}

function indexed({ page, at }: ValueBytes, dictionary: ArrayLike<unknown> | undefined): ReadValues {
  if (!dictionary) throw broken('a page refers to a dictionary that is missing')
  if (at >= page.length) {
    return (n) => {
      if (n > 0) throw few()
      return []
    }
  }
  const width = page[at]!
  if (width > 32) throw broken('a page has dictionary indexes of more than 32 bits')
  const places = new HybridReader(page, at + 1, page.length, width)
  let found = new Int32Array(0)
  return (n) => {
    if (found.length < n) found = new Int32Array(n)
    // With 0 bits, every value is the first of the dictionary.
    if (width === 0) found.fill(0)
    else places.read(found, n)
    const out = new Array<unknown>(n)
    for (let i = 0; i < n; i++) {
      const place = found[i]!
      if (place >>> 0 >= dictionary.length) throw broken('a value is not in the dictionary')
      out[i] = dictionary[place]
    }
    return out
  }
}

/** Booleans as runs, after the length of their bytes. */
function runs({ page, at }: ValueBytes): ReadValues {
  const length = at + 4 <= page.length ? page.readUInt32LE(at) : page.length
  if (length > page.length - at - 4) throw few()
  const bits = new HybridReader(page, at + 4, at + 4 + length, 1)
  return (n) => {
    const found = new Int32Array(n)
    bits.read(found, n)
    return Array.from(found, (bit) => bit === 1)
  }
}

function lengths(leaf: SchemaNode, page: Buffer, start: number): ReadValues {
  const sizes = new DeltaReader(page, start, page.length)
  const make = maker(leaf)
  let at = sizes.endOfAll()
  return (n) => {
    const sized = sizes.int32(n)
    const out = new Array<unknown>(n)
    for (let i = 0; i < n; i++) {
      const size = sized[i]!
      if (size < 0 || size > page.length - at) throw few()
      out[i] = make(page, at, (at += size))
    }
    return out
  }
}

/** Each value is a prefix of the previous one, and a suffix of its own. */
function prefixed(leaf: SchemaNode, { page, at: start, most }: ValueBytes): ReadValues {
  const prefixes = new DeltaReader(page, start, page.length)
  const suffixes = new DeltaReader(page, prefixes.endOfAll(), page.length)
  const make = maker(leaf)
  let at = suffixes.endOfAll()
  let last: Buffer = Buffer.alloc(0)
  return (n) => {
    const kept = prefixes.int32(n)
    const added = suffixes.int32(n)
    const out = new Array<unknown>(n)
    let all = 0
    for (let i = 0; i < n; i++) {
      const keep = kept[i]!
      const more = added[i]!
      if (keep < 0 || keep > last.length || more < 0 || more > page.length - at) throw few()
      all += keep + more
      if (all > most) throw tooExpanded('a few values of a page', most)
      const value = Buffer.allocUnsafeSlow(keep + more)
      last.copy(value, 0, 0, keep)
      page.copy(value, keep, at, at + more)
      at += more
      last = value
      out[i] = make(value, 0, value.length)
    }
    return out
  }
}

/** The first bytes of all values, then their second bytes, and so on. */
function split(leaf: SchemaNode, { page, at }: ValueBytes): ReadValues {
  const width = widthOf(leaf)
  if (width === undefined)
    throw unsupported(
      `the column ${leaf.name} has the encoding BYTE_STREAM_SPLIT, but its values have no fixed length`,
      'write it with the encoding PLAIN',
    )
  const total = (page.length - at) / width
  if (!Number.isInteger(total)) throw few()
  let given = 0
  return (n) => {
    if (n > total - given) throw few()
    const bytes = Buffer.allocUnsafeSlow(n * width)
    for (let k = 0; k < width; k++)
      for (let i = 0, from = at + k * total + given; i < n; i++) bytes[i * width + k] = page[from + i]!
    given += n
    return fixed(leaf, bytes, 0, n, width)
  }
}
