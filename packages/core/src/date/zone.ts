/**
 * Time zones by IANA name, from the platform's tables (Intl). A query of Intl costs about a microsecond, so each zone
 * caches the spans of constant offset used so far: a year is sampled every third day, and each change is located by
 * bisection (between 1900 and 2040 no zone changed twice in less than seven days: Recife, October 2000). A look-up is
 * then a comparison with the last span. A wall-clock time that occurs twice (clocks set back) is ambiguous unless
 * `fold` says which is meant; one that is skipped (clocks set forward) does not exist.
 */
import { MillraceError } from '../errors/index.ts'

/** Which instant is meant by a wall-clock time that occurs twice. */
export type Fold = 'earlier' | 'later' | 'error'

/** A time zone: the offset of its clock from UTC at any instant. */
export interface Zone {
  readonly name: string
  /** The offset in ms, if it never changes. */
  readonly fixed: number | undefined
  /** Ms to add to UTC to get the wall clock at this instant. */
  offsetAt(utcMs: number): number
  /**
   * The instant of a wall-clock time given as ms since 1970-01-01T00:00 on that clock; NaN: no such time, or there are
   * two and `fold` is `error`.
   */
  toUtc(wallMs: number, fold: Fold): number
  /**
   * The instant at which a day begins, given as its midnight on that clock; where clocks skip midnight, the instant
   * after the gap.
   */
  startOfDay(midnightMs: number): number
}

const hour = 3_600_000
const day = 24 * hour
const zones = new Map<string, Zone>()

/** The problem with a zone's name; undefined: none. */
export function checkZone(name: string): string | undefined {
  try {
    zone(name)
    return undefined
  } catch {
    return `${JSON.stringify(name)} is not a time zone: write an IANA name such as Europe/Berlin, or UTC`
  }
}

/** The zone with this name, or with a fixed offset such as `+05:30`. Throws `MillraceError`. */
export function zone(name: string): Zone {
  const known = zones.get(name)
  if (known) return known
  const made = makeZone(name)
  zones.set(name, made)
  return made
}

function makeZone(name: string): Zone {
  if (name === 'UTC' || name === 'Z' || name === 'Etc/UTC' || name === 'GMT') return fixedZone(name, 0)
  const offset = /^([+-])([01]\d|2[0-3]):?([0-5]\d)$/.exec(name)
  if (offset)
    return fixedZone(name, (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000)
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (cause) {
    throw new MillraceError('unknown_zone', `${JSON.stringify(name)} is not a time zone`, {
      hint: 'write an IANA name such as Europe/Berlin, or UTC',
      exitCode: 2,
      cause,
    })
  }
  return tableZone(name, (utcMs) => offsetByIntl(format, utcMs))
}

const fixedZone = (name: string, offset: number): Zone => ({
  name,
  fixed: offset,
  offsetAt: () => offset,
  toUtc: (wallMs) => wallMs - offset,
  startOfDay: (midnightMs) => midnightMs - offset,
})

function offsetByIntl(format: Intl.DateTimeFormat, utcMs: number): number {
  const second = Math.floor(utcMs / 1000) * 1000
  const at: Record<string, string> = {}
  for (const part of format.formatToParts(second)) at[part.type] = part.value
  const year = at['era']!.startsWith('B') ? 1 - Number(at['year']) : Number(at['year'])
  const wall = new Date(0)
  wall.setUTCFullYear(year, Number(at['month']) - 1, Number(at['day']))
  wall.setUTCHours(Number(at['hour']), Number(at['minute']), Number(at['second']))
  return wall.getTime() - second
}

/** Spans of constant offset within a year: `starts[i]` is where `offsets[i]` begins. */
interface Year {
  readonly starts: readonly number[]
  readonly offsets: readonly number[]
}

const yearMs = 366 * day
const stepMs = 3 * day

function tableZone(name: string, ask: (utcMs: number) => number): Zone {
  const years = new Map<number, Year>()
  let from = 0
  let to = 0
  let offset = 0

  function sample(index: number): Year {
    const start = index * yearMs
    const starts = [start]
    const offsets = [ask(start)]
    for (let at = start; at < start + yearMs; at += stepMs) {
      const before = offsets.at(-1)!
      if (ask(at + stepMs - 1) === before) continue
      let low = at - 1 // still `before`: the change may be at the very start of the step
      let high = at + stepMs - 1 // no longer
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2)
        if (ask(middle) === before) low = middle
        else high = middle
      }
      starts.push(high)
      offsets.push(ask(high))
    }
    return { starts, offsets }
  }

  function offsetAt(utcMs: number): number {
    if (utcMs >= from && utcMs < to) return offset
    const index = Math.floor(utcMs / yearMs)
    let year = years.get(index)
    if (!year) years.set(index, (year = sample(index)))
    let i = year.starts.length - 1
    while (utcMs < year.starts[i]!) i--
    from = year.starts[i]!
    to = year.starts[i + 1] ?? (index + 1) * yearMs
    return (offset = year.offsets[i]!)
  }

  function toUtc(wallMs: number, fold: Fold): number {
    // Far from a change of the offset, the last span applies.
    const guess = wallMs - offset
    if (guess >= from + day && guess < to - day) return guess
    const before = offsetAt(wallMs - day)
    const after = offsetAt(wallMs + day)
    const earlier = wallMs - Math.max(before, after)
    const later = wallMs - Math.min(before, after)
    const isEarlier = offsetAt(earlier) === wallMs - earlier
    const isLater = offsetAt(later) === wallMs - later
    if (isEarlier && isLater && earlier !== later && fold === 'error') return Number.NaN
    return isEarlier && (fold !== 'later' || !isLater) ? earlier : isLater ? later : Number.NaN
  }
  function startOfDay(midnightMs: number): number {
    const utc = toUtc(midnightMs, 'earlier')
    return Number.isNaN(utc) ? midnightMs - offsetAt(midnightMs - day) : utc
  }
  return { name, fixed: undefined, offsetAt, toUtc, startOfDay }
}

/** Why `toUtc` returns NaN, as the end of a sentence about the time. */
export const whyNoTime = (zone: Zone, wallMs: number): string =>
  Number.isNaN(zone.toUtc(wallMs, 'earlier'))
    ? `does not exist in ${zone.name}, where clocks are set forward over it`
    : `occurs twice in ${zone.name}, where clocks are set back: choose one with \`fold: earlier\` or \`fold: later\``
