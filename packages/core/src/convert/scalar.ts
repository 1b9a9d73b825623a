/**
 * Single values from text: booleans, numbers, decimals and bytes. Each function returns the in-memory form or throws
 * `DataError`.
 */
import { DataError } from '../errors/index.ts'
import { printJson } from './print-json.ts'

/** A value for a message: shortened if it is long, quoted if it is text. */
export function show(value: unknown): string {
  const text = value === undefined ? 'undefined' : printJson(value)
  return text.length <= 80 ? text : `${text.slice(0, 60)}... (${text.length} characters)`
}

/** Whether `text` is digits only from `start` to `end`, and has at least one. */
function areDigits(text: string, start: number, end: number): boolean {
  if (start >= end) return false
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i)
    if (c < 48 || c > 57) return false
  }
  return true
}

const signed = (text: string): number => (text.charCodeAt(0) === 45 || text.charCodeAt(0) === 43 ? 1 : 0)

/** A whole number within +-(2^53-1). */
export function integerFromText(text: string): number {
  const start = signed(text)
  if (!areDigits(text, start, text.length)) throw new DataError('not_integer', `${show(text)} is not a whole number`)
  const value = Number(text) + 0
  if (Number.isSafeInteger(value)) return value
  throw new DataError(
    'out_of_range',
    `${show(text)} is beyond 9007199254740991: declare the field as bigint or decimal`,
  )
}

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

/** A whole number of 64 bits. */
export function bigintFromText(text: string): bigint {
  const start = signed(text)
  if (!areDigits(text, start, text.length)) throw new DataError('not_integer', `${show(text)} is not a whole number`)
  // The length is limited before parsing, so that a megabyte of digits costs nothing.
  let first = start
  while (first < text.length - 1 && text.charCodeAt(first) === 48) first++
  const digits = text.length - first > 19 ? most + 2n : BigInt(text.slice(first))
  const value = text.charCodeAt(0) === 45 ? -digits : digits
  if (value >= least && value <= most) return value
  throw new DataError('out_of_range', `${show(text)} does not fit in 64 bits`)
}

/** A decimal number with an optional exponent, as the nearest double. */
export function numberFromText(text: string): number {
  let at = signed(text)
  const whole = skipDigits(text, at)
  let digits = whole - at
  at = whole
  if (text.charCodeAt(at) === 46) {
    const end = skipDigits(text, at + 1)
    digits += end - at - 1
    at = end
  }
  if (digits > 0 && (text.charCodeAt(at) | 32) === 101) {
    at++
    const sign = text.charCodeAt(at)
    if (sign === 43 || sign === 45) at++
    const end = skipDigits(text, at)
    if (end === at) digits = 0
    at = end
  }
  if (digits === 0 || at !== text.length) throw new DataError('not_number', `${show(text)} is not a number`)
  const value = Number(text)
  if (Number.isFinite(value)) return value
  throw new DataError('out_of_range', `${show(text)} is out of range for a number`)
}

function skipDigits(text: string, at: number): number {
  while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++
  return at
}

/** `-012.3` as `-12.30` for scale 2. Digits after the scale must be zeros. */
export function decimalFromText(text: string, precision: number, scale: number): string {
  const start = signed(text)
  const point = skipDigits(text, start)
  let end = point
  if (text.charCodeAt(point) === 46) {
    end = skipDigits(text, point + 1)
    if (end === point + 1) end = -1
  }
  if (point === start || end !== text.length)
    throw new DataError(
      'bad_decimal',
      `${show(text)} is not a decimal: expected digits with at most one point, such as -12.30`,
    )
  let first = start
  while (first < point && text.charCodeAt(first) === 48) first++
  let fraction = text.slice(point + 1)
  if (fraction.length > scale) {
    for (let i = scale; i < fraction.length; i++)
      if (fraction.charCodeAt(i) !== 48)
        throw new DataError('out_of_range', `${show(text)} has more than ${scale} digits after the point`)
    fraction = fraction.slice(0, scale)
  } else fraction = fraction.padEnd(scale, '0')
  if (point - first > precision - scale)
    throw new DataError('out_of_range', `${show(text)} has more than ${precision - scale} digits before the point`)
  const whole = first === point ? '0' : text.slice(first, point)
  const minus = text.charCodeAt(0) === 45 && (whole !== '0' || !/^0*$/.test(fraction))
  return (minus ? '-' : '') + whole + (scale > 0 ? `.${fraction}` : '')
}

/**
 * A number from JSON as a decimal. Its shortest text is what was written, provided that had at most 15 significant
 * digits; a number with more is refused.
 */
export function decimalFromNumber(value: number, precision: number, scale: number): string {
  if (!Number.isFinite(value)) throw new DataError('bad_decimal', `${value} is not a decimal`)
  const text = plainNumber(String(value))
  const significant = text
    .replace(/^-?[0.]*/, '')
    .replace('.', '')
    .replace(/0+$/, '')
  if (significant.length > 15)
    throw new DataError(
      'out_of_range',
      `${value} may have been rounded when it was read: write decimals of more than 15 digits as strings`,
    )
  return decimalFromText(text, precision, scale)
}

/** A number's text without an exponent: `1e-7` as `0.0000001`. Exponents beyond 400 are left as they are. */
export function plainNumber(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,3})$/.exec(text)
  if (!parts || Math.abs(Number(parts[4])) > 400) return text
  const [, sign, whole, fraction = '', exponent] = parts
  const point = whole!.length + Number(exponent)
  const digits = whole! + fraction
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return sign! + digits.padEnd(point, '0').slice(0, point) + (digits.length > point ? `.${digits.slice(point)}` : '')
}

/** true or false, in any case. */
export function booleanFromText(text: string): boolean {
  if (text === 'true') return true
  if (text === 'false') return false
  const lower = text.length <= 5 ? text.toLowerCase() : text
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw new DataError('not_boolean', `${show(text)} is neither true nor false`)
}

/** Base64 with its padding, and nothing else. */
export function bytesFromText(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new DataError('bad_bytes', `${show(text)} is not base64`)
  return new Uint8Array(bytes)
}

/** Bytes as base64 with padding. */
export const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
