/** Dates and instants from text. */
import { daysInMonth } from '../date/calendar.ts'
import { compileDateParser, whyNoDate } from '../date/index.ts'
import { DataError } from '../errors/index.ts'
import { show } from './scalar.ts'

const iso = { formats: ['iso'], zone: 'UTC' }
const parseIso = compileDateParser(iso.formats, iso.zone)

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
  if (ms === undefined) throw new DataError('bad_date', whyNoDate(iso, text, show(text)))
  // Text that ends in `Z`, or has a sign after its date, includes its zone.
  const last = text.charCodeAt(text.length - 1)
  if ((last | 32) === 122 || text.includes('+', 16) || text.includes('-', 16)) return ms
  throw new DataError(
    'bad_date',
    `${show(text)} has no time zone: end it with Z or an offset, or read it as string and use parse_dates with a zone`,
  )
}
