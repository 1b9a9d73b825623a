/**
 * Numbers that JSON.parse rounds, found in their text. A double preserves any decimal number of up to 15 digits, so
 * only numbers with more digits, or an exponent of three digits, are examined.
 */
import { DataError } from '../errors/index.ts'
import { LongNumber } from './print-json.ts'

// TypeScript's lib does not have it yet: github.com/tc39/proposal-json-parse-with-source.
const parseWithSource = JSON.parse as unknown as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown

const longNumber = /[0-9][0-9.]{15}|[0-9][eE][+-]?[0-9]{3}/
const longExponent = /[0-9][eE][+-]?[0-9]{3}/

/**
 * Whether a number in this JSON text may differ from what JSON.parse makes of it. `runs`: `hasLongRun` of the bytes
 * that it is part of, if known.
 */
export const hasLongNumber = (text: string, runs = true): boolean => (runs ? longNumber : longExponent).test(text)

/**
 * Whether bytes hold 16 consecutive digits and points, as every long number does unless it has an exponent. Fast: such
 * a run covers a sixteenth byte, so only those are looked at.
 */
export function hasLongRun(bytes: Uint8Array): boolean {
  for (let i = 15; i < bytes.length; i += 16) {
    if (!isPart(bytes[i]!)) continue
    let from = i
    while (from > 0 && isPart(bytes[from - 1]!)) from--
    let to = i + 1
    while (to < bytes.length && isPart(bytes[to]!)) to++
    if (to - from > 15) return true
  }
  return false
}

/** A digit or a point. */
const isPart = (c: number): boolean => (c >= 48 && c <= 57) || c === 46

// A whole number below 2^49 has at most 15 digits; without that bound a long run of digits takes quadratic time.
const longFraction = /(?=[0-9.]{16})[0-9]{1,15}\.|[0-9]{16}[eE]/

/** Whether JSON.parse may have turned a fraction in this text into a whole number below 2^49 other than 0. */
export const hasLongFraction = (text: string): boolean => longFraction.test(text)

/** Whether JSON.parse may have turned a number other than 0 into 0. */
export const hasTinyNumber = (text: string): boolean =>
  (text.includes('e-') || text.includes('E-')) && hasLongNumber(text)

/** Digits without zeros at either end, and the power of ten of the last one: equal results mean equal numbers. */
function canonical(source: string): { readonly digits: string; readonly power: number } {
  const [, whole, fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source)!
  const all = whole! + fraction
  let from = 0
  while (all[from] === '0') from++
  let to = all.length
  while (to > from && all[to - 1] === '0') to--
  return { digits: all.slice(from, to), power: to === from ? 0 : Number(exponent) - fraction.length + all.length - to }
}

function isExact(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false
  const { digits, power } = canonical(source)
  const double = canonical(String(value))
  return digits.length <= 15 && digits === double.digits && power === double.power
}

function exactNumber(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined) return value
  if (!/[.eE]/.test(source) && Number.isFinite(value)) return Number.isSafeInteger(value) ? value : BigInt(source)
  return isExact(source, value) ? value : new LongNumber(source)
}

/** A text that JSON.parse accepted, as `fromJson` reads it: with bigint and `LongNumber` for what it would round. */
export const parseExact = (text: string): unknown => parseWithSource(text, exactNumber)

/** Throws `out_of_range` if it is beyond all doubles. */
export function nearestDouble({ source }: LongNumber): number {
  const value = Number(source)
  if (Number.isFinite(value)) return value
  throw new DataError('out_of_range', `${source} is out of range for a number`)
}
