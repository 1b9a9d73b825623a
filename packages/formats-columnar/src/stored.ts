/**
 * Converts values as stored by typed file formats to their in-memory forms. Each function throws `DataError` for values
 * without an exact equivalent.
 */
import { isUtf8 } from 'node:buffer'
import { DataError, timeOfMicros, type Type } from '@millrace/core'
import { asBuffer } from '@millrace/formats'
import type { FileColumn } from './file-column.ts'

/** Whole numbers from 0 to 2^64 - 1. */
export const unsigned64: Type = { kind: 'decimal', precision: 20, scale: 0 }

/** 64-bit whole numbers, as numbers where these are exact: a bigint each is slow to make and to compute with. */
export function wholeNumbers(longs: BigInt64Array): (number | bigint)[] {
  const halves = new Int32Array(longs.buffer, longs.byteOffset, 2 * longs.length)
  const out = new Array<number | bigint>(longs.length)
  for (let i = 0; i < longs.length; i++) {
    const low = halves[2 * i]!
    const high = halves[2 * i + 1]!
    out[i] =
      high === low >> 31 ? low : high > -0x20_0000 && high < 0x20_0000 ? high * 0x1_0000_0000 + (low >>> 0) : longs[i]!
  }
  return out
}

/** A column of signed whole numbers; `bits`: of its type. */
export const wholeColumn = (bits: number): Pick<FileColumn, 'natural' | 'read' | 'isReady'> =>
  bits < 64
    ? { natural: { kind: 'integer' }, read: (raw) => raw, isReady: isReadyNumber }
    : { natural: { kind: 'bigint' }, read: (raw) => BigInt(raw as number | bigint), isReady: isReadyNumber }

const isReadyNumber = (raw: unknown, { kind }: Type): boolean =>
  typeof raw === 'number' && (kind === 'integer' || kind === 'number')

/** A column of floating-point numbers. */
export const floatColumn: Pick<FileColumn, 'natural' | 'read' | 'isReady'> = {
  natural: { kind: 'number' },
  read: finite,
  isReady: (raw, { kind }) => kind === 'number' && Number.isFinite(raw),
}

/** Part of a value; null if there is none. */
export const readPart = (column: FileColumn, raw: unknown): unknown =>
  raw === null || raw === undefined ? null : column.read(raw)

/** A time of day from units of `perMicro` or of `micros` microseconds since midnight. */
export function timeOfUnits(units: bigint, micros: bigint, perMicro: bigint): string {
  if (units % perMicro === 0n) return timeOfMicros(Number((units / perMicro) * micros))
  throw new DataError(
    'out_of_range',
    `the time has ${units} units of 1/${perMicro} microsecond, finer than a time of day can hold`,
  )
}

/** -1230 with scale 2 is `-12.30`. */
export function decimalText(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale))
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Days since 1970-01-01 as `yyyy-MM-dd`; years 1 to 9999. */
export function dateText(days: number): string {
  const text = days >= -719162 && days <= 2932896 ? new Date(days * 86_400_000).toISOString().slice(0, 10) : undefined
  if (text !== undefined) return text
  throw new DataError('out_of_range', `${days} days from 1970-01-01 is not within the years 1 to 9999`)
}

/** A number that is neither infinite nor NaN. */
export function finite(raw: unknown): number {
  if (Number.isFinite(raw)) return raw as number
  throw new DataError('not_number', `${raw} is not a valid number`)
}

/** IEEE 754 binary16. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = (bits & 1023) / 1024
  if (exponent === 0) return sign * 2 ** -14 * fraction
  return exponent === 31
    ? fraction
      ? Number.NaN
      : sign * Number.POSITIVE_INFINITY
    : sign * 2 ** (exponent - 15) * (1 + fraction)
}

/** Throws `DataError` `bad_encoding`. */
export function utf8(bytes: Uint8Array): string {
  const text = asBuffer(bytes).toString('utf8')
  // U+FFFD stands for a wrong byte, unless it was in the text.
  if (!text.includes('\ufffd') || isUtf8(bytes)) return text
  throw new DataError('bad_encoding', 'the text is not UTF-8, which this format requires')
}
