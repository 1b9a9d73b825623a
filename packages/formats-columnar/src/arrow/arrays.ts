/**
 * Columns of a record batch (https://arrow.apache.org/docs/format/Columnar.html), read from its buffers a range of rows
 * at a time: in the finest units, and with the bytes of texts as stored. What a column needs is checked against its
 * buffers before anything is read; offsets, indexes and lengths inside them are checked when they are read.
 */
import { broken } from './broken.ts'
import type { Bytes } from './bytes.ts'
import {
  type ArrowColumn,
  booleans,
  fixed,
  indexed,
  integers,
  listed,
  makerOf,
  masked,
  need,
  offsetsOf,
  structured,
  varying,
  viewed,
} from './ranges.ts'
import type { ArrowField } from './schema.ts'

/** What columns of a batch are made from. */
export interface Parts {
  /** Rows and nulls of the next column, or part of one. */
  node(): { readonly length: number; readonly nulls: number }
  buffer(): Bytes
  /** How many buffers of values the next column of views has. */
  views(): number
  /** The values of a dictionary. */
  dictionary(id: number): Promise<readonly unknown[]>
  /** Unions have a validity bitmap, as in metadata before version 5. */
  readonly oldUnions: boolean
  /** Throws if columns, buffers or counts are left over. */
  end(): void
  /** The maximum bytes of the values of a range. */
  readonly most: number
}

/** Makes a column from the next nodes and buffers. */
export function columnOf(field: ArrowField, parts: Parts): ArrowColumn {
  const { length, nulls } = parts.node()
  if (!Number.isSafeInteger(length) || length < 0) throw broken('a column has an invalid length')
  const { kind, bits, children, dictionary } = field
  if (dictionary) {
    const validity = validityOf(parts, length, nulls)
    const places = fixed(parts.buffer(), length, dictionary.bits, integers(dictionary.bits, dictionary.signed))
    return {
      length,
      read: masked(
        validity,
        indexed(places, () => parts.dictionary(dictionary.id)),
        true,
      ),
    }
  }
  switch (kind) {
    case 'Null':
      return { length, read: (from, to) => Promise.resolve(new Array<null>(to - from).fill(null)) }
    case 'RunEndEncoded':
      return unread(
        length,
        children.map((child) => columnOf(child, parts)),
      )
    case 'Union': {
      if (parts.oldUnions) parts.buffer()
      parts.buffer()
      if (!field.sparse) parts.buffer()
      return unread(
        length,
        children.map((child) => columnOf(child, parts)),
      )
    }
  }
  const validity = validityOf(parts, length, nulls)
  switch (kind) {
    case 'Bool':
      return { length, read: masked(validity, booleans(parts.buffer(), length)) }
    case 'Utf8':
    case 'Binary':
      return {
        length,
        read: masked(validity, varying(offsetsOf(parts.buffer(), length, 4), parts.buffer(), parts.most)),
      }
    case 'LargeUtf8':
    case 'LargeBinary':
      return {
        length,
        read: masked(validity, varying(offsetsOf(parts.buffer(), length, 8), parts.buffer(), parts.most)),
      }
    case 'Utf8View':
    case 'BinaryView': {
      const heads = parts.buffer()
      need(heads, length * 16)
      const values = Array.from({ length: parts.views() }, () => parts.buffer())
      return { length, read: masked(validity, viewed(heads, values, parts.most), true) }
    }
    case 'List':
    case 'Map':
    case 'LargeList': {
      const offsets = offsetsOf(parts.buffer(), length, kind === 'LargeList' ? 8 : 4)
      return { length, read: masked(validity, listed(offsets, columnOf(children[0]!, parts))) }
    }
    case 'FixedSizeList': {
      const items = columnOf(children[0]!, parts)
      if (items.length < length * field.size) throw broken('a list has fewer items than declared')
      const offsets = (from: number, to: number) =>
        Promise.resolve(Array.from({ length: to - from + 1 }, (_, i) => (from + i) * field.size))
      return { length, read: masked(validity, listed(offsets, items)) }
    }
    case 'Struct': {
      const members = children.map((child) => columnOf(child, parts))
      if (members.some((member) => member.length < length))
        throw broken('a struct has a member with fewer values than declared')
      return { length, read: masked(validity, structured(members)) }
    }
    case 'ListView':
    case 'LargeListView':
      parts.buffer()
      parts.buffer()
      return unread(length, [columnOf(children[0]!, parts)])
    default:
      return { length, read: masked(validity, fixed(parts.buffer(), length, bits, makerOf(field))) }
  }
}

/** A column that is skipped, with its parts. */
const unread = (length: number, _parts: readonly ArrowColumn[]): ArrowColumn => ({
  length,
  read: () => Promise.reject(broken('a column has a type that cannot be read')),
})

/** Which rows have values; undefined: all of them. */
function validityOf(parts: Parts, length: number, nulls: number): Bytes | undefined {
  const bytes = parts.buffer()
  if (bytes.length === 0 && nulls === 0) return undefined
  need(bytes, Math.ceil(length / 8))
  return bytes
}
