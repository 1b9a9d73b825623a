/** Dates, times of day and instants from text, and instants finer than a millisecond to text. */
import { daysInMonth, firstMs, lastMs } from '../date/calendar.ts'
import { compileDateParser, isoText, whyNoDate } from '../date/index.ts'
import { DataError } from '../errors/index.ts'
import { show } from './scalar.ts'

const iso = { formats: ['iso'], zone: 'UTC' }
const parseIso = compileDateParser(iso.formats, iso.zone)

/** Around the digits of a fraction of a second. */
const secondAndFraction = /^(.*\d:\d\d:\d\d)[.,](\d+)(.*)$/s

/** Whether a text is a calendar date as `yyyy-MM-dd`, year 0001 to 9999. */
export function isDateText(text: string): boolean {
  if (text.length !== 10 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false
  let value = 0
  for (let i = 0; i < 10; i++) {
    if (i === 4 || i === 7) continue
    const c = text.charCodeAt(i) - 48
    if (c < 0 || c > 9) return false
    value = value * 10 + c
  }
  const year = (value / 10_000) | 0
  const day = value % 100
  return year >= 1 && day >= 1 && day <= daysInMonth(year, ((value / 100) | 0) % 100)
}

/** A day as `yyyy-MM-dd`. */
export function dateFromText(text: string): string {
  if (isDateText(text)) return text
  throw new DataError('bad_date', `${show(text)} is not a date: expected yyyy-MM-dd`)
}

/** ISO 8601 with a zone as ms since 1970-01-01T00:00Z. */
export function timestampFromText(text: string): number {
  const ms = parseIso(text)
  if (ms === undefined) {
    const [, second, fraction = '', zone] = secondAndFraction.exec(text) ?? []
    const isFine = /[1-9]/.test(fraction.slice(3)) && parseIso(`${second}${zone}`) !== undefined
    throw new DataError(
      'bad_date',
      isFine
        ? `${show(text)} is finer than a millisecond: declare the field as timestamp(6) or timestamp(9), or read it as string and use parse_dates with \`fraction: truncate\``
        : whyNoDate(iso, text, show(text)),
    )
  }
  // Text that ends in `Z`, or has a sign after its date, includes its zone.
  const last = text.charCodeAt(text.length - 1)
  if ((last | 32) === 122 || text.includes('+', 16) || text.includes('-', 16)) return ms
  throw new DataError(
    'bad_date',
    `${show(text)} has no time zone: end it with Z or an offset, or read it as string and use parse_dates with a zone`,
  )
}

/** Ms since 1970, if they are within the years 1 to 9999. */
export function instantOf(ms: number): number {
  if (ms >= firstMs && ms <= lastMs) return ms
  throw new DataError('out_of_range', `${ms} ms since 1970 is not within the years 1 to 9999`)
}

/** The units of an instant in one millisecond, by its digits after the second. */
export const unitsPerMs = { 6: 1000n, 9: 1_000_000n } as const

/** ISO 8601 with a zone, as units of 10^-`precision` s since 1970-01-01T00:00Z. */
export function fineTimestampFromText(text: string, precision: 6 | 9): bigint {
  const [, second, fraction = '', zone] = secondAndFraction.exec(text) ?? []
  const ms = BigInt(timestampFromText(second === undefined ? text : second + zone))
  if (/[1-9]/.test(fraction.slice(precision)))
    throw new DataError('out_of_range', `${show(text)} has more than ${precision} fractional digits`)
  const units = ms * unitsPerMs[precision] + BigInt(fraction.slice(0, precision).padEnd(precision, '0'))
  if (BigInt.asIntN(64, units) === units) return units
  throw new DataError('out_of_range', `${show(text)} does not fit in 64 bits as timestamp(${precision})`)
}

/** An instant as `2010-12-01T08:26:00.000000Z`. Throws `RangeError` outside the years 1 to 9999. */
export function fineTimestampText(units: bigint, precision: 6 | 9): string {
  const perSecond = unitsPerMs[precision] * 1000n
  const rest = ((units % perSecond) + perSecond) % perSecond
  const second = isoText(Number((units - rest) / unitsPerMs[precision]))
  return `${second.slice(0, -4)}${String(rest).padStart(precision, '0')}Z`
}

/** The milliseconds of an instant, rounded down. */
export function floorMs(units: bigint, precision: 6 | 9): number {
  const perMs = unitsPerMs[precision]
  return Number((units - (((units % perMs) + perMs) % perMs)) / perMs)
}

const timeOfDay = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?$/

/** A time of day: `HH:mm`, `HH:mm:ss`, `HH:mm:ss.ssssss`. */
export function timeFromText(text: string): string {
  const parts = timeOfDay.exec(text)
  if (!parts) throw new DataError('bad_time', `${show(text)} is not a time of day: expected HH:mm:ss`)
  const [, hour, minute, second = '00', fraction = ''] = parts
  if (/[1-9]/.test(fraction.slice(6)))
    throw new DataError('out_of_range', `${show(text)} has more than 6 fractional digits`)
  const digits = fraction.slice(0, 6).replace(/0+$/, '')
  return `${hour}:${minute}:${second}${digits ? `.${digits}` : ''}`
}

/** A time of day from microseconds since midnight. */
export function timeOfMicros(micros: number): string {
  if (!(micros >= 0 && micros < 86_400_000_000))
    throw new DataError('out_of_range', `${micros} microseconds since midnight is not a time of day`)
  const text = new Date(Math.floor(micros / 1000)).toISOString().slice(11, 19)
  const digits = String(micros % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return digits ? `${text}.${digits}` : text
}

/** Microseconds since midnight. */
export function microsOfTime(time: string): number {
  const seconds = Number(time.slice(0, 2)) * 3600 + Number(time.slice(3, 5)) * 60 + Number(time.slice(6, 8))
  return seconds * 1_000_000 + Number(time.slice(9).padEnd(6, '0'))
}
