/**
 * Reading dates: each format becomes a list of small instructions (an opcode and a number), run over the text's char codes. No regular expression, no
 * backtracking: every instruction reads one or two digits, a name or a literal, or fails. What was read stands in `Read`, checked against the calendar.
 */
import { firstMs, isTime, lastMs, type Parts, partsFromMs, weekdayOf } from './calendar.ts'
import { isNamed, monthNames, readPattern, type Token, weekdayNames } from './pattern.ts'
import { type Zone, zone as zoneNamed } from './zone.ts'

/** What a text said. `offset`: its own offset from UTC in ms, NaN without one. `zone`: the zone it named. `pm` and `weekday`: -1 where it has none. */
export interface Read extends Parts {
  offset: number
  zone: Zone | undefined
  pm: number
  weekday: number
}

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
})

/** Fills `into` from a text; false: the text does not fit, or names no time of the calendar. */
export type Reader = (text: string, into: Read) => boolean

/** The reader of one format, checked before by `checkDateFormat`. */
export function readerOf(format: string): Reader {
  if (format === 'iso') return readIso
  if (isNamed(format)) return readEpoch(format === 'epoch_s')
  const tokens = readPattern(format)
  if (typeof tokens === 'string') throw new Error(tokens)
  return readTokens(tokens)
}

function clear(into: Read): void {
  into.hour = into.minute = into.second = into.ms = 0
  into.offset = Number.NaN
  into.zone = undefined
  into.pm = into.weekday = -1
}

/** Reads digits at `at`; -1 where there is another character or the text ends. */
function digits(text: string, at: number, count: number): number {
  if (at + count > text.length) return -1
  let value = 0
  for (let i = at; i < at + count; i++) {
    const c = text.charCodeAt(i) - 48
    if (c < 0 || c > 9) return -1
    value = value * 10 + c
  }
  return value
}

type Op = Token['part']

function readTokens(tokens: readonly Token[]): Reader {
  const ops: readonly Op[] = tokens.map((token) => token.part)
  const ends = tokens.length
  return (text, into) => {
    clear(into)
    let at = 0
    for (let k = 0; k < ends; k++) {
      switch (ops[k]) {
        case 'literal': {
          const { text: literal } = tokens[k] as Token & { part: 'literal' }
          if (literal.length === 1 ? text.charCodeAt(at) !== literal.charCodeAt(0) : !text.startsWith(literal, at)) return false
          at += literal.length
          break
        }
        case 'monthName':
        case 'weekday': {
          const token = tokens[k] as Token & { part: 'monthName' | 'weekday' }
          const names = token.part === 'weekday' ? weekdayNames : monthNames
          const found = findName(text, at, names, token.long)
          if (found < 0) return false
          at += token.long ? names[found]!.length : 3
          if (token.part === 'weekday') into.weekday = found
          else into.month = found + 1
          break
        }
        case 'half': {
          const first = text.charCodeAt(at) | 32
          if ((first !== 97 && first !== 112) || (text.charCodeAt(at + 1) | 32) !== 109) return false
          into.pm = first === 112 ? 1 : 0
          at += 2
          break
        }
        case 'fraction': {
          const { width } = tokens[k] as Token & { part: 'fraction' }
          const ms = fraction(text, at, width)
          if (ms < 0) return false
          into.ms = ms
          at += width
          break
        }
        case 'offset': {
          const token = tokens[k] as Token & { part: 'offset' }
          at = readOffset(text, at, token.zero, token.short, token.colon, into)
          if (at < 0) return false
          break
        }
        case 'zoneId':
          at = readZoneId(text, at, into)
          if (at < 0) return false
          break
        default: {
          const { part, width, least } = tokens[k] as Token & { part: 'year'; least: number }
          let value = digits(text, at, least)
          if (value < 0) return false
          at += least
          if (least < width && at < text.length) {
            const c = text.charCodeAt(at) - 48
            if (c >= 0 && c <= 9) {
              value = value * 10 + c
              at++
            }
          }
          setPart(into, part, part === 'year' && width === 2 ? value + 2000 : value)
        }
      }
    }
    return at === text.length && finish(into)
  }
}

function setPart(into: Read, part: string, value: number): void {
  if (part === 'year') into.year = value
  else if (part === 'month') into.month = value
  else if (part === 'day') into.day = value
  else if (part === 'minute') into.minute = value
  else if (part === 'second') into.second = value
  else into.hour = value
}

function finish(into: Read): boolean {
  if (into.pm >= 0) {
    if (into.hour < 1 || into.hour > 12) return false
    into.hour = (into.hour % 12) + 12 * into.pm
  }
  return isTime(into) && (into.weekday < 0 || into.weekday === weekdayOf(into.year, into.month, into.day))
}

function findName(text: string, at: number, names: readonly string[], long: boolean): number {
  for (let n = 0; n < names.length; n++) {
    const name = names[n]!
    const length = long ? name.length : 3
    let i = 0
    while (i < length && (text.charCodeAt(at + i) | 32) === (name.charCodeAt(i) | 32)) i++
    if (i === length) return n
  }
  return -1
}

/** Ms of a fraction with exactly `width` digits; -1: not digits, or finer than a millisecond, which a timestamp cannot hold. */
function fraction(text: string, at: number, width: number): number {
  const ms = digits(text, at, Math.min(width, 3))
  if (ms < 0 || (width > 3 && digits(text, at + 3, width - 3) !== 0)) return -1
  return width === 1 ? ms * 100 : width === 2 ? ms * 10 : ms
}

/** Where the offset ends; -1: there is none. `short`: minutes only when they are not 0. */
function readOffset(text: string, at: number, zero: boolean, short: boolean, colon: boolean, into: Read): number {
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

function readZoneId(text: string, at: number, into: Read): number {
  let end = at
  while (end < text.length && /[A-Za-z0-9_+\-/]/.test(text[end]!)) end++
  try {
    into.zone = zoneNamed(text.slice(at, end))
    return end
  } catch {
    return -1
  }
}

/** `yyyy-MM-dd`, optionally `T` or a space and `HH:mm`, `:ss`, a fraction of 1 to 9 digits, and `Z` or an offset. */
function readIso(text: string, into: Read): boolean {
  clear(into)
  into.year = digits(text, 0, 4)
  into.month = digits(text, 5, 2)
  into.day = digits(text, 8, 2)
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false
  if (text.length === 10) return isTime(into)
  const between = text.charCodeAt(10)
  if (between !== 84 && between !== 116 && between !== 32) return false
  into.hour = digits(text, 11, 2)
  into.minute = digits(text, 14, 2)
  if (text.charCodeAt(13) !== 58 || into.hour < 0 || into.minute < 0) return false
  let at = 16
  if (text.charCodeAt(at) === 58) {
    into.second = digits(text, 17, 2)
    if (into.second < 0) return false
    at = 19
    const mark = text.charCodeAt(at)
    if (mark === 46 || mark === 44) {
      let width = 0
      while (width < 10 && digits(text, at + 1 + width, 1) >= 0) width++
      if (width === 0 || width > 9) return false
      into.ms = fraction(text, at + 1, width)
      if (into.ms < 0) return false
      at += 1 + width
    }
  }
  if (at < text.length) {
    const sign = text.charCodeAt(at)
    if (sign === 122) {
      into.offset = 0
      at++
    } else at = readOffset(text, at, true, text.charCodeAt(at + 3) !== 58, text.charCodeAt(at + 3) === 58, into)
  }
  return at === text.length && isTime(into)
}

/** Seconds with up to three digits after the point, or whole milliseconds. */
function readEpoch(seconds: boolean): Reader {
  return (text, into) => {
    const ms = epochMs(text, seconds)
    if (Number.isNaN(ms)) return false
    clear(into)
    into.offset = 0
    partsFromMs(ms, into)
    return true
  }
}

/** The instant of an epoch text in ms; NaN: it is none, or out of the years 1 to 9999. */
function epochMs(text: string, seconds: boolean): number {
  const minus = text.charCodeAt(0) === 45
  let at = minus ? 1 : 0
  const start = at
  let value = 0
  while (at < text.length && digits(text, at, 1) >= 0) value = value * 10 + digits(text, at++, 1)
  if (at === start || at - start > 15) return Number.NaN
  if (seconds) {
    value *= 1000
    if (text.charCodeAt(at) === 46) {
      const width = text.length - at - 1
      const ms = width >= 1 && width <= 9 ? fraction(text, at + 1, width) : -1
      if (ms < 0) return Number.NaN
      value += ms
      at = text.length
    }
  }
  if (at !== text.length) return Number.NaN
  const ms = minus ? 0 - value : value
  return ms >= firstMs && ms <= lastMs ? ms : Number.NaN
}
