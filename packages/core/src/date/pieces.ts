/**
 * The building blocks of date readers. Each reads at one position of a text and returns a negative number if the text
 * does not match.
 */
import { isTime, type Parts, weekdayOf } from './calendar.ts'
import { type Zone, zone as zoneNamed } from './zone.ts'

/**
 * The parts read from a text. `offset`: its own offset from UTC in ms, NaN without one. `zone`: the zone in the text.
 * `pm` and `weekday`: -1 if absent.
 */
export interface Read extends Parts {
  offset: number
  zone: Zone | undefined
  pm: number
  weekday: number
  /** The text has no time of day. */
  isDay: boolean
}

/** Nothing read yet. */
export const newRead = (): Read => ({
  year: 0,
  month: 0,
  day: 0,
  hour: 0,
  minute: 0,
  second: 0,
  ms: 0,
  offset: Number.NaN,
  zone: undefined,
  pm: -1,
  weekday: -1,
  isDay: false,
})

/** Resets the parts that not every format has. */
export function clear(into: Read): void {
  into.hour = into.minute = into.second = into.ms = 0
  into.offset = Number.NaN
  into.zone = undefined
  into.isDay = false
  into.pm = into.weekday = -1
}

/** Reads digits at `at`; -1 if there is another character or the text ends. */
export function digits(text: string, at: number, count: number): number {
  if (at + count > text.length) return -1
  let value = 0
  for (let i = at; i < at + count; i++) {
    const c = text.charCodeAt(i) - 48
    if (c < 0 || c > 9) return -1
    value = value * 10 + c
  }
  return value
}

/** Whether the parts are a valid time, after AM or PM is applied. */
export function finish(into: Read): boolean {
  if (into.pm >= 0) {
    if (into.hour < 1 || into.hour > 12) return false
    into.hour = (into.hour % 12) + 12 * into.pm
  }
  return isTime(into) && (into.weekday < 0 || into.weekday === weekdayOf(into.year, into.month, into.day))
}

/** Which of the names is at `at`, in any case; the full name, or its first three letters. */
export function findName(text: string, at: number, names: readonly string[], long: boolean): number {
  for (let n = 0; n < names.length; n++) {
    const name = names[n]!
    const length = long ? name.length : 3
    let i = 0
    while (i < length && (text.charCodeAt(at + i) | 32) === (name.charCodeAt(i) | 32)) i++
    if (i === length) return n
  }
  return -1
}

/** 0 for AM, 1 for PM, in any case. */
export function half(text: string, at: number): number {
  const first = text.charCodeAt(at) | 32
  if ((first !== 97 && first !== 112) || (text.charCodeAt(at + 1) | 32) !== 109) return -1
  return first === 112 ? 1 : 0
}

/**
 * Ms of a fraction with exactly `width` digits; -1: not digits, or finer than a millisecond, which a timestamp cannot
 * hold, unless it is to be truncated.
 */
export function fraction(text: string, at: number, width: number, truncate: boolean): number {
  const ms = digits(text, at, Math.min(width, 3))
  const finer = width > 3 ? digits(text, at + 3, width - 3) : 0
  if (ms < 0 || finer < 0 || (finer > 0 && !truncate)) return -1
  return width === 1 ? ms * 100 : width === 2 ? ms * 10 : ms
}

/** Reads an offset and returns where it ends; -1: there is none. `short`: minutes only when they are not 0. */
export function readOffset(
  text: string,
  at: number,
  zero: boolean,
  short: boolean,
  colon: boolean,
  into: Read,
): number {
  const sign = text.charCodeAt(at)
  if (zero && sign === 90) {
    into.offset = 0
    return at + 1
  }
  if (sign !== 43 && sign !== 45) return -1
  const hours = digits(text, at + 1, 2)
  if (hours < 0 || hours > 18) return -1
  let end = at + 3
  let minutes = 0
  if (colon) {
    if (text.charCodeAt(end) !== 58) return -1
    minutes = digits(text, end + 1, 2)
    end += 3
  } else if (!short || digits(text, end, 2) >= 0) {
    minutes = digits(text, end, 2)
    end += 2
  }
  if (minutes < 0 || minutes > 59) return -1
  into.offset = (sign === 45 ? -1 : 1) * (hours * 60 + minutes) * 60_000
  return end
}

/** Reads the name of a zone and returns where it ends. */
export function readZoneId(text: string, at: number, into: Read): number {
  let end = at
  while (end < text.length && /[A-Za-z0-9_+\-/]/.test(text[end]!)) end++
  try {
    into.zone = zoneNamed(text.slice(at, end))
    return end
  } catch {
    return -1
  }
}
