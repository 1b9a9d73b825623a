/**
 * The values of a range of rows, from the buffers of a column. Offsets, indexes and lengths are checked against what
 * they refer to when they are read.
 */
import { asBuffer } from '@millrace/formats'
import { tooExpanded } from '../room.ts'
import { half, wholeNumbers } from '../stored.ts'
import { broken } from './broken.ts'
import type { Bytes } from './bytes.ts'
import type { ArrowField } from './schema.ts'

/** A column of a batch. */
export interface ArrowColumn {
  readonly length: number
  /** The values of rows, null where there is none. */
  read(from: number, to: number): Promise<unknown[]>
}

const mostItems = 16 * 1024 * 1024

export type ReadRange = (from: number, to: number) => Promise<ArrayLike<unknown>>

export function need(bytes: Bytes, length: number): void {
  if (bytes.length < length) throw broken('a buffer has fewer bytes than its column needs')
}

/** Puts nulls in their places. `checked`: values may be `outside`. */
export function masked(validity: Bytes | undefined, read: ReadRange, checked = false): ArrowColumn['read'] {
  return async (from, to) => {
    const values = await read(from, to)
    const bits = await validity?.range(Math.floor(from / 8), Math.ceil(to / 8))
    const out = Array.isArray(values) && !bits ? values : new Array<unknown>(to - from)
    for (let i = 0, bit = from & 7; out !== values && i < out.length; i++, bit++)
      out[i] = !bits || (bits[bit >> 3]! >> (bit & 7)) & 1 ? values[i] : null
    if (checked && out.includes(outside)) throw broken('a value refers to data that does not exist')
    return out
  }
}

type Make = (bytes: Uint8Array, n: number) => ArrayLike<unknown>

export function fixed(buffer: Bytes, length: number, bits: number, make: Make): ReadRange {
  const width = bits / 8
  need(buffer, length * width)
  return async (from, to) => make(await buffer.range(from * width, to * width), to - from)
}

/** The bytes as numbers, which must begin at a multiple of their width. */
const aligned = (bytes: Uint8Array, width: number): [ArrayBuffer, number] =>
  bytes.byteOffset % width === 0
    ? [bytes.buffer as ArrayBuffer, bytes.byteOffset]
    : [Uint8Array.prototype.slice.call(bytes).buffer, 0]

const arrays = {
  8: [Uint8Array, Int8Array],
  16: [Uint16Array, Int16Array],
  32: [Uint32Array, Int32Array],
  64: [BigUint64Array, BigInt64Array],
} as const

export function integers(bits: number, signed: boolean): Make {
  if (bits === 64 && signed) return (bytes, n) => wholeNumbers(new BigInt64Array(...aligned(bytes, 8), n))
  const Numbers = arrays[bits as keyof typeof arrays][signed ? 1 : 0]
  return (bytes, n) => new Numbers(...aligned(bytes, bits / 8), n)
}

export function makerOf({ kind, bits, signed }: ArrowField): Make {
  switch (kind) {
    case 'Int':
      return integers(bits, signed)
    case 'Float':
      if (bits === 16) return (bytes, n) => Array.from(new Uint16Array(...aligned(bytes, 2), n), half)
      return bits === 32
        ? (bytes, n) => new Float32Array(...aligned(bytes, 4), n)
        : (bytes, n) => new Float64Array(...aligned(bytes, 8), n)
    case 'Decimal':
      return (bytes, n) => {
        const words = new Uint32Array(...aligned(bytes, 4), (n * bits) / 32)
        return Array.from({ length: n }, (_, i) => words.subarray((i * bits) / 32, ((i + 1) * bits) / 32))
      }
    case 'FixedSizeBinary':
      return (bytes, n) => Array.from({ length: n }, (_, i) => part(bytes, (i * bits) / 8, ((i + 1) * bits) / 8))
    default:
      return integers(bits === 32 || bits === 64 ? bits : 8, true)
  }
}

const part = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from)

export function booleans(buffer: Bytes, length: number): ReadRange {
  need(buffer, Math.ceil(length / 8))
  return async (from, to) => {
    const bits = await buffer.range(Math.floor(from / 8), Math.ceil(to / 8))
    return Array.from({ length: to - from }, (_, i) => {
      const bit = (from & 7) + i
      return ((bits[bit >> 3]! >> (bit & 7)) & 1) === 1
    })
  }
}

/** Offsets of rows: one more than there are rows, never decreasing. */
type Offsets = (from: number, to: number) => Promise<ArrayLike<number>>

export function offsetsOf(buffer: Bytes, length: number, width: 4 | 8): Offsets {
  // Without rows, there may be no offset either.
  if (length > 0) need(buffer, (length + 1) * width)
  return async (from, to) => {
    if (from === to) return [0]
    const bytes = await buffer.range(from * width, (to + 1) * width)
    const n = to - from + 1
    const offsets =
      width === 4
        ? new Int32Array(...aligned(bytes, 4), n)
        : Array.from(new BigInt64Array(...aligned(bytes, 8), n), Number)
    for (let i = 0, last = 0; i < n; i++) {
      if (offsets[i]! < last) throw broken('its offsets decrease')
      last = offsets[i]!
    }
    return offsets
  }
}

export function varying(offsetsIn: Offsets, values: Bytes, most: number): ReadRange {
  return async (from, to) => {
    const offsets = await offsetsIn(from, to)
    const n = to - from
    const start = offsets[0]!
    const end = offsets[n] ?? start
    if (end > values.length) throw broken('its offsets point beyond the values')
    if (end - start > most) throw tooLarge(most)
    const bytes = await values.range(start, end)
    const out = new Array<unknown>(n)
    for (let i = 0; i < n; i++) out[i] = part(bytes, offsets[i]! - start, offsets[i + 1]! - start)
    return out
  }
}

const tooLarge = (most: number) => tooExpanded('a few values', most)

/** Views: 16 bytes each, with short values inside, and longer ones in other buffers. */
export function viewed(heads: Bytes, values: readonly Bytes[], most: number): ReadRange {
  return async (from, to) => {
    const bytes = asBuffer(await heads.range(from * 16, to * 16))
    const n = to - from
    // The range of each buffer that is needed.
    const spans = values.map(() => ({ from: Number.POSITIVE_INFINITY, to: 0 }))
    const far = (at: number) => bytes.readInt32LE(at) > 12
    for (let at = 0; at < bytes.length; at += 16) {
      const length = bytes.readInt32LE(at)
      const offset = bytes.readInt32LE(at + 12)
      // The view of a null may be anything, so a view is not trusted before it is used.
      const span = far(at) ? spans[bytes.readInt32LE(at + 8)] : undefined
      if (!span || offset < 0 || offset + length > values[bytes.readInt32LE(at + 8)]!.length) continue
      span.from = Math.min(span.from, offset)
      span.to = Math.max(span.to, offset + length)
    }
    if (spans.reduce((sum, span) => sum + Math.max(0, span.to - span.from), 0) > most) throw tooLarge(most)
    const found: (Uint8Array | undefined)[] = []
    for (const [k, span] of spans.entries())
      found.push(span.to > span.from ? await values[k]!.range(span.from, span.to) : undefined)
    return Array.from({ length: n }, (_, i) => {
      const at = 16 * i
      const length = bytes.readInt32LE(at)
      if (!far(at)) return length < 0 ? outside : part(bytes, at + 4, at + 4 + length)
      const k = bytes.readInt32LE(at + 8)
      const start = bytes.readInt32LE(at + 12) - (spans[k]?.from ?? 0)
      const value = found[k]
      return value && start >= 0 && start + length <= value.length ? part(value, start, start + length) : outside
    }) as unknown[]
  }
}

/** Stands for a view of missing bytes, until it is known whether the row has a value at all. */
const outside: unknown = Object.freeze({ outside: true })

export function listed(offsetsIn: Offsets, items: ArrowColumn): ReadRange {
  return async (from, to) => {
    const offsets = await offsetsIn(from, to)
    const n = to - from
    const start = offsets[0]!
    const end = offsets[n] ?? start
    if (end > items.length) throw broken('its offsets point beyond the items of a list')
    if (end - start > mostItems) throw broken(`lists of ${n} rows have more than ${mostItems} items`)
    const all = await items.read(start, end)
    return Array.from({ length: n }, (_, i) => all.slice(offsets[i]! - start, offsets[i + 1]! - start))
  }
}

export function structured(members: readonly ArrowColumn[]): ReadRange {
  return async (from, to) => {
    const columns: unknown[][] = []
    for (const member of members) columns.push(await member.read(from, to))
    return Array.from({ length: to - from }, (_, i) => columns.map((values) => values[i]))
  }
}

export function indexed(places: ReadRange, dictionary: () => Promise<readonly unknown[]>): ReadRange {
  return async (from, to) => {
    const found = (await places(from, to)) as ArrayLike<number | bigint>
    const values = await dictionary()
    return Array.from(found, (place) => (place >= 0 && place < values.length ? values[Number(place)] : outside))
  }
}
