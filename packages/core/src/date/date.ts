/**
 * Dates as text: compiled formats only, checked against the calendar, never `new Date(text)`.
 *
 * A format is a pattern of Java's DateTimeFormatter letters (`M/d/yyyy H:mm`; `M` takes one or two digits, `MM` exactly
 * two, `yy` is 2000 to 2099; English names), or one of `iso`, `epoch_s`, `epoch_ms`. Of several formats the first that
 * matches wins. Text without an offset is read as the local time of `zone`: a time that is skipped there does not
 * exist, `fold` says which is meant if a time occurs twice, and a date alone is the instant at which the day begins.
 * Years are 1 to 9999. Fractions finer than a millisecond do not match unless they are to be truncated.
 *
 * Real files have runs of equal dates, so each compiled function caches the last text.
 */
import { firstMs, lastMs, msFromParts, type Parts, partsFromMs } from './calendar.ts'
import { checkDateFormat } from './pattern.ts'
import { printerOf } from './print.ts'
import { newRead, type Read } from './pieces.ts'
import { readerOf } from './read.ts'
import type { Reader } from './tokens.ts'
import { type Fold, whyNoTime, type Zone, zone as zoneNamed } from './zone.ts'
import { DataError, MillraceError } from '../errors/index.ts'

function checked(format: string, use: 'parse' | 'print'): string {
  const wrong = checkDateFormat(format, use)
  if (wrong) throw new MillraceError('bad_date_format', wrong, { exitCode: 2 })
  return format
}

/** What to do if a text does not denote exactly one instant. */
export interface DateChoices {
  /** Which instant is meant by a time that occurs twice when clocks are set back. Default: `error`. */
  readonly fold?: Fold | undefined
  /** Digits finer than a millisecond: an error, or truncated. Default: `error`. */
  readonly fraction?: 'error' | 'truncate' | undefined
}

function readers(formats: readonly string[], { fraction }: DateChoices): Reader {
  const list = formats.map((format) => readerOf(checked(format, 'parse'), fraction === 'truncate'))
  if (list.length === 1) return list[0]!
  return (text, into) => {
    for (const reader of list) if (reader(text, into)) return true
    return false
  }
}

/** The instant of the parts read; NaN: there is no such time in its zone, or it is outside the years 1 to 9999. */
function instant(read: Read, zone: Zone, fold: Fold = 'error'): number {
  const wall = msFromParts(read)
  const clock = read.zone ?? zone
  const onClock = () => (read.isDay ? clock.startOfDay(wall) : clock.toUtc(wall, fold))
  const utc = Number.isNaN(read.offset) ? onClock() : wall - read.offset
  return utc >= firstMs && utc <= lastMs ? utc : Number.NaN
}

/**
 * Reads text in one of `formats` as ms since 1970-01-01T00:00Z; undefined: it matches none, or there is no such time.
 * Throws `MillraceError` for an invalid format or zone.
 */
export function compileDateParser(
  formats: readonly string[],
  zone: string,
  choices: DateChoices = {},
): (text: string) => number | undefined {
  const read = readers(formats, choices)
  const clock = zoneNamed(zone)
  const into = newRead()
  let lastText: string | undefined
  let lastValue: number | undefined
  return (text) => {
    if (text === lastText) return lastValue
    const utc = read(text, into) ? instant(into, clock, choices.fold) : Number.NaN
    lastText = text
    return (lastValue = Number.isNaN(utc) ? undefined : utc)
  }
}

/**
 * Prints ms since 1970-01-01T00:00Z in a format, as local time of `zone`. Throws `MillraceError` for an invalid format
 * or zone, and `RangeError` for an instant outside the local years 1 to 9999.
 */
export function compileDateFormatter(pattern: string, zone: string): (ms: number) => string {
  const clock = zoneNamed(zone)
  const printer = printerOf(checked(pattern, 'print'), clock)
  const parts: Parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, ms: 0 }
  let lastMsSeen = Number.NaN
  let lastText = ''
  return (ms) => {
    if (ms === lastMsSeen) return lastText
    const wall = ms + clock.offsetAt(ms)
    if (!(wall >= firstMs && wall <= lastMs)) throw new RangeError(`${ms} ms is not within the years 1 to 9999`)
    partsFromMs(wall, parts)
    lastText = printer.print(parts, ms)
    lastMsSeen = ms
    return lastText
  }
}

/**
 * From text in one of `formats` to text in the format `to`, both in local time of `zone`; undefined: it matches none,
 * or there is no such time.
 */
export function compileReformat(
  formats: readonly string[],
  zone: string,
  to: string,
  choices: DateChoices = {},
): (text: string) => string | undefined {
  const read = readers(formats, choices)
  const clock = zoneNamed(zone)
  const printer = printerOf(checked(to, 'print'), clock)
  const into = newRead()
  let lastText: string | undefined
  let lastValue: string | undefined
  const reformat = (text: string): string | undefined => {
    if (!read(text, into)) return undefined
    // Text without an offset is printed as it was read, provided there is such a time.
    const isOwn = Number.isNaN(into.offset) && !into.zone && !printer.needsInstant
    if (isOwn && clock.fixed === 0) return printer.print(into, 0)
    const utc = instant(into, clock, isOwn ? 'earlier' : choices.fold)
    if (Number.isNaN(utc)) return undefined
    if (isOwn) return printer.print(into, utc)
    const wall = utc + clock.offsetAt(utc)
    if (wall < firstMs || wall > lastMs) return undefined
    partsFromMs(wall, into)
    return printer.print(into, utc)
  }
  return (text) => {
    if (text === lastText) return lastValue
    lastValue = reformat(text)
    lastText = text
    return lastValue
  }
}

/** An instant as ISO 8601 in UTC with ms: `2010-12-01T08:26:00.000Z`. Years 1 to 9999. */
export const isoText: (ms: number) => string = compileDateFormatter('iso', 'UTC')

/** How text is read as a date. */
export interface DateReading extends DateChoices {
  readonly formats: readonly string[]
  readonly zone: string
  /** The format of the result. Absent: ms since 1970. */
  readonly to?: string
}

/** `compileReformat` or `compileDateParser`, as `to` says. */
export const dateReader = (reading: DateReading): ((text: string) => string | number | undefined) =>
  reading.to === undefined
    ? compileDateParser(reading.formats, reading.zone, reading)
    : compileReformat(reading.formats, reading.zone, reading.to, reading)

/** Why `dateReader` returns undefined for a text, which the reason calls `shown`. */
export function whyNoDate({ formats, zone, fraction }: DateReading, text: string, shown: string): string {
  const into = newRead()
  for (const format of formats) {
    if (!readerOf(format, true)(text, into)) continue
    if (fraction !== 'truncate' && !readerOf(format, false)(text, into))
      return `${shown} has digits finer than a millisecond, which cannot be kept: truncate them with \`fraction: truncate\` (of \`parse_dates\` or \`cast\`)`
    const clock = into.zone ?? zoneNamed(zone)
    const wall = msFromParts(into)
    if (Number.isNaN(into.offset) && !into.isDay && Number.isNaN(clock.toUtc(wall, 'error')))
      return `${shown} ${whyNoTime(clock, wall)}`
    return `${shown} is not within the years 1 to 9999`
  }
  return `${shown} is not a date: expected ${formats.join(' or ')}`
}

/** The instants of times on the clock of `zone`, as ms since 1970-01-01T00:00. Throws `DataError` `bad_date`. */
export function compileClock(zone: string, fold: Fold = 'error'): (wallMs: number) => number {
  const clock = zoneNamed(zone)
  return (wallMs) => {
    if (!(wallMs >= firstMs && wallMs <= lastMs))
      throw new DataError('out_of_range', `${wallMs} ms is not within the years 1 to 9999`)
    const utc = clock.toUtc(wallMs, fold)
    if (!Number.isNaN(utc)) return utc
    throw new DataError('bad_date', `${isoText(wallMs).slice(0, -1)} ${whyNoTime(clock, wallMs)}`)
  }
}
