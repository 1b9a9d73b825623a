/**
 * Time in expressions. A timestamp is ms since 1970 in UTC, a date is text `yyyy-MM-dd`, a duration is a whole number
 * of ms. Years are 1 to 9999.
 */
import { daysFromDate, daysInMonth, firstMs, lastMs, type Parts, partsFromMs } from '../../date/calendar.ts'
import { zone } from '../../date/zone.ts'
import { DataError } from '../../errors/index.ts'

const dayMs = 86_400_000

const inYears = (ms: number, words: string): number => {
  if (ms >= firstMs && ms <= lastMs) return ms
  throw new DataError('out_of_range', `${words} is not within the years 1 to 9999`)
}

export const timestampOfMs = (ms: number): number => inYears(ms, `${ms} ms since 1970`)
/** A timestamp later by `ms`. */
export const addMs = (timestamp: number, ms: number): number => inYears(timestamp + ms, 'timestamp + duration')
export const subtractMs = (timestamp: number, ms: number): number => inYears(timestamp - ms, 'timestamp - duration')
/** From `b` to `a`, in ms. */
export const betweenMs = (a: number, b: number): number => a - b

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: dayMs }

/** `1h30m`, `-500ms`, `7d` in ms. Throws `bad_duration`. */
export function durationMs(text: string): number {
  const parts = /^-?(?:\d{1,15}(?:ms|[smhd]))+$/.test(text) ? text.matchAll(/(\d+)(ms|[smhd])/g) : undefined
  if (!parts)
    throw new DataError(
      'bad_duration',
      `${JSON.stringify(text)} is not a duration: expected one such as 90s, 1h30m or 7d`,
    )
  let ms = 0
  for (const [, count, unit] of parts) ms += Number(count) * units[unit!]!
  if (!Number.isSafeInteger(ms))
    throw new DataError('out_of_range', `${JSON.stringify(text)} is too large to count in ms`)
  return text.startsWith('-') ? 0 - ms : ms
}

export type DatePart = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'ms' | 'weekday' | 'yearday'

const scratch: Parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, ms: 0 }

const partOf = (parts: Parts, part: DatePart): number => {
  if (part === 'weekday') return ((((daysFromDate(parts.year, parts.month, parts.day) + 3) % 7) + 7) % 7) + 1
  if (part === 'yearday') return daysFromDate(parts.year, parts.month, parts.day) - daysFromDate(parts.year, 1, 1) + 1
  return parts[part]
}

/** One part of a timestamp in the local time of a zone. Weekdays are 1 (Monday) to 7. */
export function timestampPart(part: DatePart, zoneName: string): (timestamp: number) => number {
  const clock = zone(zoneName)
  return (timestamp) => {
    partsFromMs(timestamp + clock.offsetAt(timestamp), scratch)
    return partOf(scratch, part)
  }
}

/** The parts of a date. */
function partsOfDate(date: string): Parts {
  scratch.year = Number(date.slice(0, 4))
  scratch.month = Number(date.slice(5, 7))
  scratch.day = Number(date.slice(8, 10))
  return scratch
}

export const datePart =
  (part: DatePart): ((date: string) => number) =>
  (date) =>
    partOf(partsOfDate(date), part)

const two = (n: number): string => (n < 10 ? `0${n}` : String(n))
const dateText = (parts: Parts): string =>
  `${String(parts.year).padStart(4, '0')}-${two(parts.month)}-${two(parts.day)}`

/** The date of a timestamp in the local time of a zone. */
export function dateOfTimestamp(zoneName: string): (timestamp: number) => string {
  const clock = zone(zoneName)
  return (timestamp) => {
    partsFromMs(inYears(timestamp + clock.offsetAt(timestamp), 'the local date'), scratch)
    return dateText(scratch)
  }
}

/** The instant at which a date begins in a zone. */
export function startOfDate(zoneName: string): (date: string) => number {
  const clock = zone(zoneName)
  return (date) => {
    return inYears(clock.startOfDay(daysOf(date) * dayMs), `${date} in ${zoneName}`)
  }
}

/** Days from 1970-01-01. */
function daysOf(date: string): number {
  const { year, month, day } = partsOfDate(date)
  return daysFromDate(year, month, day)
}

export function addDays(date: string, days: number): string {
  partsFromMs(inYears((daysOf(date) + days) * dayMs, `${date} plus ${days} days`), scratch)
  return dateText(scratch)
}

/** The same day some months later; the last of the month if there is no such day. */
export function addMonths(date: string, months: number): string {
  const { year, month, day } = partsOfDate(date)
  const count = year * 12 + month - 1 + months
  const to = Math.floor(count / 12)
  if (!(to >= 1 && to <= 9999))
    throw new DataError('out_of_range', `${date} plus ${months} months is not within the years 1 to 9999`)
  scratch.year = to
  scratch.month = count - to * 12 + 1
  scratch.day = Math.min(day, daysInMonth(scratch.year, scratch.month))
  return dateText(scratch)
}

export const daysBetween = (from: string, to: string): number => daysOf(to) - daysOf(from)
