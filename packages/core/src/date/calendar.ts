/**
 * The proleptic Gregorian calendar as integer arithmetic (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"). Years 1 to 9999 only: other years have no four-digit text, so no date or timestamp may have them.
 */

/** The parts of a wall-clock time. `month` and `day` count from 1. */
export interface Parts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  ms: number
}

/** 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z, in ms. */
export const firstMs = -62_135_596_800_000
export const lastMs = 253_402_300_799_999

/** Whether ms since 1970 are a timestamp: whole, and within the years 1 to 9999. */
export const isInstant = (ms: number): boolean => Number.isInteger(ms) && ms >= firstMs && ms <= lastMs

const dayMs = 86_400_000
const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Days of a month; 0 for a month that does not exist. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month >= 1 && month <= 12 ? lengths[month - 1]! : 0
}

/** Days from 1970-01-01 to a date of the calendar. */
export function daysFromDate(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1
  return era * 146_097 + yearOfEra * 365 + (yearOfEra >> 2) - ((yearOfEra / 100) | 0) + dayOfYear - 719_468
}

/** Ms from 1970-01-01T00:00 on the same clock. */
export function msFromParts(parts: Parts): number {
  const seconds = parts.hour * 3600 + parts.minute * 60 + parts.second
  return daysFromDate(parts.year, parts.month, parts.day) * dayMs + seconds * 1000 + parts.ms
}

/** The inverse: fills `into` from ms since 1970-01-01T00:00 on the same clock. */
export function partsFromMs(ms: number, into: Parts): void {
  const days = Math.floor(ms / dayMs)
  let rest = ms - days * dayMs
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0))
  const shiftedMonth = ((5 * dayOfYear + 2) / 153) | 0
  into.day = dayOfYear - (((153 * shiftedMonth + 2) / 5) | 0) + 1
  into.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  into.year = yearOfEra + era * 400 + (into.month <= 2 ? 1 : 0)
  into.ms = rest % 1000
  rest = (rest / 1000) | 0
  into.second = rest % 60
  rest = (rest / 60) | 0
  into.minute = rest % 60
  into.hour = (rest / 60) | 0
}

/** 0 is Sunday. */
export const weekdayOf = (year: number, month: number, day: number): number =>
  (((daysFromDate(year, month, day) + 4) % 7) + 7) % 7

/** Whether the parts are a valid calendar date and a valid time on a 24-hour clock. */
export const isTime = (parts: Parts): boolean =>
  parts.year >= 1 &&
  parts.day >= 1 &&
  parts.day <= daysInMonth(parts.year, parts.month) &&
  parts.hour <= 23 &&
  parts.minute <= 59 &&
  parts.second <= 59
