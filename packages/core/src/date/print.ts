/**
 * Prints dates: a format becomes a list of small functions from the parts of a wall-clock time to text, and those
 * become one generated expression in which the common ones are table look-ups.
 */
import { codegenAllowed, generate, quote } from '../codegen.ts'
import { type Parts, weekdayOf } from './calendar.ts'
import { isNamed, monthNames, readPattern, type PatternToken, weekdayNames } from './pattern.ts'
import type { Zone } from './zone.ts'

/** Prints a wall-clock time. `utcMs`: the same instant; used only if `needsInstant`. */
export interface Printer {
  readonly needsInstant: boolean
  print(parts: Parts, utcMs: number): string
}

const two = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))
const four = (n: number) => two[(n / 100) | 0]! + two[n % 100]!
const three = (n: number) => (n < 10 ? `00${n}` : n < 100 ? `0${n}` : String(n))

/**
 * The printer of one format that `checkDateFormat` has accepted. `iso` is `yyyy-MM-ddTHH:mm:ss.SSS` with `Z` or the
 * offset.
 */
export function printerOf(format: string, zone: Zone): Printer {
  if (isNamed(format) && format !== 'iso') {
    const print =
      format === 'epoch_ms' ? (_: Parts, utcMs: number) => String(utcMs) : (_: Parts, utcMs: number) => seconds(utcMs)
    return { needsInstant: true, print }
  }
  const tokens = readPattern(format === 'iso' ? "yyyy-MM-dd'T'HH:mm:ss.SSSXXX" : format)
  if (typeof tokens === 'string') throw new Error(tokens)
  return {
    needsInstant: tokens.some((token) => token.part === 'offset'),
    print: codegenAllowed ? generatedPrint(tokens, zone) : interpretedPrint(tokens, zone),
  }
}

type Print = Printer['print']

/** The twin of the generated printer. */
export function interpretedPrint(tokens: readonly PatternToken[], zone: Zone): Print {
  const pieces = tokens.map((token) => piece(token, zone))
  return (parts, utcMs) => {
    let text = ''
    for (let i = 0; i < pieces.length; i++) text += pieces[i]!(parts, utcMs)
    return text
  }
}

function generatedPrint(tokens: readonly PatternToken[], zone: Zone): Print {
  const pieces = tokens.map((token) => piece(token, zone))
  const code = tokens.map((token, k) => {
    if (token.part === 'literal') return quote(token.text)
    if (token.part === 'year' && token.width === 4) return 'two[(p.year / 100) | 0] + two[p.year % 100]'
    const plain =
      token.part === 'month' ||
      token.part === 'day' ||
      token.part === 'hour' ||
      token.part === 'minute' ||
      token.part === 'second'
    return plain && token.least === 2 ? `two[p.${token.part}]` : `pieces[${k}](p, utcMs)`
  })
  return generate({ two, pieces }, `return (p, utcMs) => '' + ${code.join(' + ')}`)
}

function seconds(utcMs: number): string {
  const rest = Math.abs(utcMs % 1000)
  const whole = String(Math.trunc(Math.abs(utcMs) / 1000))
  return (utcMs < 0 ? '-' : '') + whole + (rest ? `.${three(rest).replace(/0+$/, '')}` : '')
}

function piece(token: PatternToken, zone: Zone): Print {
  const padded = 'least' in token && token.least === 2
  switch (token.part) {
    case 'literal':
      return () => token.text
    case 'year':
      return token.width === 2 ? (parts) => two[parts.year % 100]! : (parts) => four(parts.year)
    case 'month':
      return padded ? (parts) => two[parts.month]! : (parts) => String(parts.month)
    case 'day':
      return padded ? (parts) => two[parts.day]! : (parts) => String(parts.day)
    case 'hour':
      return padded ? (parts) => two[parts.hour]! : (parts) => String(parts.hour)
    case 'hour12':
      return padded ? (parts) => two[parts.hour % 12 || 12]! : (parts) => String(parts.hour % 12 || 12)
    case 'minute':
      return padded ? (parts) => two[parts.minute]! : (parts) => String(parts.minute)
    case 'second':
      return padded ? (parts) => two[parts.second]! : (parts) => String(parts.second)
    case 'fraction': {
      const { width } = token
      return width <= 3 ? (parts) => three(parts.ms).slice(0, width) : (parts) => three(parts.ms).padEnd(width, '0')
    }
    case 'half':
      return (parts) => (parts.hour < 12 ? 'AM' : 'PM')
    case 'monthName':
      return (parts) => (token.long ? monthNames[parts.month - 1]! : monthNames[parts.month - 1]!.slice(0, 3))
    case 'weekday':
      return (parts) => {
        const name = weekdayNames[weekdayOf(parts.year, parts.month, parts.day)]!
        return token.long ? name : name.slice(0, 3)
      }
    case 'zoneId':
      return () => zone.name
    case 'offset':
      return (_, utcMs) => offsetText(zone.offsetAt(utcMs), token)
  }
}

/** Seconds of an offset (local mean time, before about 1900) are left out, as in java.time's patterns. */
function offsetText(offset: number, { zero, short, colon }: PatternToken & { part: 'offset' }): string {
  if (zero && offset === 0) return 'Z'
  const total = Math.trunc(Math.abs(offset) / 60_000)
  const minutes = total % 60
  return (
    (offset < 0 ? '-' : '+') +
    two[(total / 60) | 0]! +
    (short && minutes === 0 ? '' : (colon ? ':' : '') + two[minutes]!)
  )
}
