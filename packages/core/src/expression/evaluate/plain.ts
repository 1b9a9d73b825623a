/**
 * Operators and functions in the simplest possible way, for interpret.ts: text as arrays of characters, whole numbers
 * and decimals as BigInt fractions, times by the platform's own Date and Intl. Operations that are not listed here have
 * a single implementation, shared with compile.ts.
 */
import { checkLength } from '../values/cost.ts'
import { DataError } from '../../errors/index.ts'
import type { Operation } from '../check/typed.ts'

type PlainCall = (...args: any[]) => unknown

/** An independent implementation of an operation, or the operation itself. */
export function plainOf(operation: Operation): PlainCall {
  const make = plain[operation.name]
  return make ? make(...(operation.parameters ?? [])) : (operation.call as unknown as PlainCall)
}

function bounded(value: bigint, bits: 'integer' | 'bigint'): bigint {
  const most = bits === 'integer' ? 2n ** 53n - 1n : 2n ** 63n - 1n
  const least = bits === 'integer' ? -most : -most - 1n
  if (value < least || value > most) throw new DataError('out_of_range', `${value} is beyond the range of ${bits}`)
  return value
}

const notZero = <T extends number | bigint>(divisor: T): T => {
  if (Number(divisor) === 0) throw new DataError('division_by_zero', 'division by zero')
  return divisor
}

const integers = (compute: (a: bigint, b: bigint) => bigint) => () => (a: number, b: number) =>
  Number(bounded(compute(BigInt(a), BigInt(b)), 'integer'))
const bigints = (compute: (a: bigint, b: bigint) => bigint) => () => (a: bigint, b: bigint) =>
  bounded(compute(a, b), 'bigint')
const numbers = (compute: (a: number, b: number) => number) => () => (a: number, b: number) => {
  const made = compute(a, b)
  if (!Number.isFinite(made)) throw new DataError('out_of_range', `${made} is not a number`)
  return made
}

/** A decimal as a fraction: digits / 10^scale. */
const fraction = (text: string): [digits: bigint, scale: number] => [
  BigInt(text.split('.').join('')),
  (text.split('.')[1] ?? '').length,
]
const at = (text: string, scale: number): bigint => fraction(text)[0] * 10n ** BigInt(scale - fraction(text)[1])

function written(digits: bigint, scale: number, precision: number): string {
  const size = (digits < 0n ? -digits : digits).toString()
  if (size.length > precision) throw new DataError('out_of_range', `${size} has more than ${precision} digits`)
  const whole = size.slice(0, Math.max(0, size.length - scale)) || '0'
  const rest = scale ? `.${size.slice(Math.max(0, size.length - scale)).padStart(scale, '0')}` : ''
  return (digits < 0n ? '-' : '') + whole + rest
}

type Direction = 'round' | 'floor' | 'ceil'

/** a / b as a whole number. */
function divided(a: bigint, b: bigint, how: Direction): bigint {
  if (b < 0n) return divided(-a, -b, how)
  const below = a / b - (a % b < 0n ? 1n : 0n)
  const rest = a - below * b
  if (rest === 0n || how === 'floor') return below
  if (how === 'ceil') return below + 1n
  return 2n * rest > b || (2n * rest === b && a > 0n) ? below + 1n : below
}

/** A double by its printed digits, rounded. */
function roundedNumber(x: number, digits: number, how: Direction): number {
  const [mantissa, exponent = '0'] = String(x).split('e') as [string, string?]
  const [unscaled, scale] = fraction(mantissa)
  const power = digits - scale + Number(exponent)
  const whole = power >= 0 ? unscaled * 10n ** BigInt(power) : divided(unscaled, 10n ** BigInt(-power), how)
  return Number(`${whole}e${-digits}`) + 0
}

const wholeNumbers = (how: Direction) => () => (x: number) =>
  Number(bounded(BigInt(roundedNumber(x, 0, how)), 'integer'))

const decimals =
  (compute: (a: bigint, b: bigint) => bigint): ((scale: number, precision: number) => PlainCall) =>
  (scale, precision) =>
  (a: string, b: string) =>
    written(compute(at(a, scale), at(b, scale)), scale, precision)

const cutDecimals =
  (how: Direction): ((from: number, to: number, precision: number) => PlainCall) =>
  (from, to, precision) =>
  (text: string) =>
    written(divided(at(text, from), 10n ** BigInt(from - to), how), to, precision)

/** Orders by the first code point that differs. */
function orderOfText(a: string, b: string): number {
  const [left, right] = [Array.from(a, (c) => c.codePointAt(0)!), Array.from(b, (c) => c.codePointAt(0)!)]
  const i = left.findIndex((code, k) => code !== right[k])
  if (i < 0) return left.length - right.length
  return i < right.length ? left[i]! - right[i]! : 1
}

const orderOfDecimals = (a: string, b: string): number => {
  const difference = at(a, 40) - at(b, 40)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

const orders: Readonly<Record<string, (a: any, b: any) => number>> = { string: orderOfText, decimal: orderOfDecimals }
const comparisons = Object.fromEntries(
  Object.entries(orders).flatMap(([kind, order]) => [
    [`${kind} <`, () => (a: unknown, b: unknown) => order(a, b) < 0],
    [`${kind} <=`, () => (a: unknown, b: unknown) => order(a, b) <= 0],
    [`${kind} >`, () => (a: unknown, b: unknown) => order(a, b) > 0],
    [`${kind} ==`, () => (a: unknown, b: unknown) => order(a, b) === 0],
    [`${kind} >=`, () => (a: unknown, b: unknown) => order(a, b) >= 0],
    [`min ${kind}`, () => (a: unknown, b: unknown) => (order(b, a) < 0 ? b : a)],
    [`max ${kind}`, () => (a: unknown, b: unknown) => (order(b, a) > 0 ? b : a)],
  ]),
)

const years = (ms: number): number => {
  const year = new Date(ms).getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) throw new DataError('out_of_range', `${ms} ms is not within the years 1 to 9999`)
  return ms
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** The wall clock of a zone as if it were UTC. */
function wall(ms: number, zone: string): Date {
  if (zone === 'UTC') return new Date(ms)
  const options = {
    timeZone: zone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    fractionalSecondDigits: 3,
    era: 'short',
  } as const
  let format = formats.get(zone)
  if (!format) formats.set(zone, (format = new Intl.DateTimeFormat('en-US', options)))
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value])) as Record<
    string,
    string
  >
  const made = new Date(0)
  made.setUTCFullYear(
    part['era']!.startsWith('B') ? 1 - Number(part['year']) : Number(part['year']),
    Number(part['month']) - 1,
    Number(part['day']),
  )
  made.setUTCHours(
    Number(part['hour']),
    Number(part['minute']),
    Number(part['second']),
    Number(part['fractionalSecond']),
  )
  return made
}

const dayMs = 86_400_000
const midnight = (date: string): number => Date.parse(`${date}T00:00:00.000Z`)

const parts: Readonly<Record<string, (at: Date) => number>> = {
  year: (d) => d.getUTCFullYear(),
  month: (d) => d.getUTCMonth() + 1,
  day: (d) => d.getUTCDate(),
  hour: (d) => d.getUTCHours(),
  minute: (d) => d.getUTCMinutes(),
  second: (d) => d.getUTCSeconds(),
  ms: (d) => d.getUTCMilliseconds(),
  weekday: (d) => d.getUTCDay() || 7,
  yearday: (d) =>
    Math.round(
      (midnight(d.toISOString().slice(-24, -14)) - midnight(`${d.toISOString().slice(-24, -20)}-01-01`)) / dayMs,
    ) + 1,
}

const plain: Readonly<Record<string, (...parameters: any[]) => PlainCall>> = {
  ...comparisons,
  'integer +': integers((a, b) => a + b),
  'integer -': integers((a, b) => a - b),
  'integer *': integers((a, b) => a * b),
  'integer %': integers((a, b) => a % notZero(b)),
  'integer negate': () => (a: number) => Number(-BigInt(a)),
  'number +': numbers((a, b) => a + b),
  'number -': numbers((a, b) => a - b),
  'number *': numbers((a, b) => a * b),
  'number /': numbers((a, b) => a / notZero(b)),
  'bigint +': bigints((a, b) => a + b),
  'bigint -': bigints((a, b) => a - b),
  'bigint *': bigints((a, b) => a * b),
  'bigint %': bigints((a, b) => a % notZero(b)),
  'bigint negate': () => (a: bigint) => bounded(-a, 'bigint'),
  'decimal +': decimals((a, b) => a + b),
  'decimal -': decimals((a, b) => a - b),
  'decimal *': (left: number, right: number, precision: number) => (a: string, b: string) =>
    written(at(a, left) * at(b, right), left + right, precision),
  'decimal /': (scale: number, precision: number) => (a: string, b: string) =>
    written(divided(at(a, 40) * 10n ** BigInt(scale), notZero(at(b, 40)), 'round'), scale, precision),
  'decimal negate': () => (a: string) => written(-fraction(a)[0], fraction(a)[1], 99),
  'decimal round': cutDecimals('round'),
  'decimal floor': cutDecimals('floor'),
  'decimal ceil': cutDecimals('ceil'),
  widen:
    (_from: number, to: number, precision = 99) =>
    (a: string) =>
      written(at(a, to), to, precision),
  'whole to decimal':
    (scale: number, precision = 99) =>
    (a: number | bigint) =>
      written(BigInt(a) * 10n ** BigInt(scale), scale, precision),
  'number round': (digits: number) => (x: number) => roundedNumber(x, digits, 'round'),
  'round(x: number)': wholeNumbers('round'),
  'floor(x: number)': wholeNumbers('floor'),
  'ceil(x: number)': wholeNumbers('ceil'),
  'abs(x: bigint)': () => (x: bigint) => bounded(x < 0n ? -x : x, 'bigint'),
  'abs(x: decimal)': () => (x: string) => x.replace('-', ''),
  'size(text: string)': () => (text: string) => [...text].length,
  'substring(text: string, from: integer, to?: integer)': () => (text: string, from: number, to?: number) => {
    if (from < 0 || (to ?? 0) < 0) throw new DataError('out_of_range', 'characters are counted from 0')
    return [...text].slice(from, to).join('')
  },
  'replace(text: string, part: string, by: string)': () => (text: string, part: string, by: string) => {
    const replaced = part ? text.split(part).join(by) : text
    checkLength(replaced.length)
    return replaced
  },
  'contains(text: string, part: string)': () => (text: string, part: string) => text.indexOf(part) >= 0,
  'startsWith(text: string, part: string)': () => (text: string, part: string) => text.slice(0, part.length) === part,
  'endsWith(text: string, part: string)': () => (text: string, part: string) =>
    part === '' || text.slice(-part.length) === part,
  'string(x: number)': () => (x: number) => JSON.stringify(x),
  'string(x: timestamp)': () => (x: number) => new Date(x).toISOString(),
  'finer instant': (factor: number) => (value: number | bigint) => bounded(BigInt(value) * BigInt(factor), 'bigint'),
  'timestamp +': () => (t: number, ms: number) => years(t + ms),
  'timestamp -': () => (t: number, ms: number) => years(t - ms),
  'timestamp part': (part: string, zone: string) => (t: number) => parts[part]!(wall(t, zone)),
  'date part': (part: string) => (date: string) => parts[part]!(new Date(midnight(date))),
  'date of timestamp': (zone: string) => (t: number) =>
    new Date(years(wall(t, zone).getTime())).toISOString().slice(0, 10),
  'add_days(d: date, days: integer)': () => (date: string, days: number) =>
    new Date(years(midnight(date) + days * dayMs)).toISOString().slice(0, 10),
  'days_between(from: date, to: date)': () => (from: string, to: string) => (midnight(to) - midnight(from)) / dayMs,
}
