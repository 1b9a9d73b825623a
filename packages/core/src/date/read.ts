/** Reads dates: by a pattern, as ISO 8601, or as seconds or milliseconds since 1970. */
import { firstMs, isTime, lastMs, partsFromMs } from './calendar.ts'
import { isNamed, readPattern } from './pattern.ts'
import { clear, digits, fraction, type Read, readOffset } from './pieces.ts'
import { type Reader, tokenReader } from './tokens.ts'

/** The reader of one format that `checkDateFormat` has accepted. `truncate`: drops digits finer than a ms. */
export function readerOf(format: string, truncate: boolean): Reader {
  if (format === 'iso') return (text, into) => readIso(text, into, truncate)
  if (isNamed(format)) return readEpoch(format === 'epoch_s', truncate)
  const tokens = readPattern(format)
  if (typeof tokens === 'string') throw new Error(tokens)
  return tokenReader(tokens, truncate)
}

/** `yyyy-MM-dd`, optionally `T` or a space and `HH:mm`, `:ss`, a fraction of 1 to 9 digits, and `Z` or an offset. */
function readIso(text: string, into: Read, truncate: boolean): boolean {
  clear(into)
  into.year = digits(text, 0, 4)
  into.month = digits(text, 5, 2)
  into.day = digits(text, 8, 2)
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false
  if (text.length === 10) {
    into.isDay = true
    return isTime(into)
  }
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
      into.ms = fraction(text, at + 1, width, truncate)
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
function readEpoch(seconds: boolean, truncate: boolean): Reader {
  return (text, into) => {
    const ms = epochMs(text, seconds, truncate)
    if (Number.isNaN(ms)) return false
    clear(into)
    into.offset = 0
    partsFromMs(ms, into)
    return true
  }
}

/** The instant of an epoch text in ms; NaN: it is not one, or is outside the years 1 to 9999. */
function epochMs(text: string, seconds: boolean, truncate: boolean): number {
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
      const ms = width >= 1 && width <= 9 ? fraction(text, at + 1, width, truncate) : -1
      if (ms < 0) return Number.NaN
      value += ms
      // Truncation rounds down, also before 1970.
      if (minus && width > 3 && digits(text, at + 4, width - 3) > 0) value++
      at = text.length
    }
  }
  if (at !== text.length) return Number.NaN
  const ms = minus ? 0 - value : value
  return ms >= firstMs && ms <= lastMs ? ms : Number.NaN
}
