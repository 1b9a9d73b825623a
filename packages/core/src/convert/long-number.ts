/**
 * Numbers that JSON.parse rounds, found in their text. A double gives back any decimal number of up to 15 digits, so
 * only what has more, or an exponent of three digits, is looked at.
 */
import { DataError } from '../errors/index.ts'
import { LongNumber } from './print-json.ts'

// TypeScript's lib does not have it yet: github.com/tc39/proposal-json-parse-with-source.
const parseWithSource = JSON.parse as unknown as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown

const longNumber = /[0-9][0-9.]{15}|[0-9][eE][+-]?[0-9]{3}/

/** Whether a number in this JSON text may differ from what JSON.parse makes of it. */
export const hasLongNumber = (text: string): boolean => longNumber.test(text)

/** Whether JSON.parse may have made a whole number below 2^49 of one that is none. Much faster. */
export function hasLongFraction(text: string): boolean {
  for (let point = text.indexOf('.'); point >= 0; point = text.indexOf('.', point + 1)) {
    let from = point
    while (isDigit(text.charCodeAt(from - 1))) from--
    let to = point + 1
    while (isDigit(text.charCodeAt(to))) to++
    if (from < point && to - from > 15) return true
  }
  return (text.includes('e-') || text.includes('E-')) && hasLongNumber(text)
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57

/** Digits without zeros at either end, and what power of ten the last one counts: equal ones are equal numbers. */
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

/** A text that JSON.parse has taken, as `fromJson` reads it: with bigint and `LongNumber` for what it would round. */
export const parseExact = (text: string): unknown => parseWithSource(text, exactNumber)

/** Throws `out_of_range` where it is beyond all of them. */
export function nearestDouble({ source }: LongNumber): number {
  const value = Number(source)
  if (Number.isFinite(value)) return value
  throw new DataError('out_of_range', `${source} is beyond what a number holds`)
}
