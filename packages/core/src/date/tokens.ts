/**
 * Reads by a pattern, without regular expressions or backtracking: every token reads digits, a name or a literal, or
 * fails. The tokens become one function, generated from their widths, char codes and indexes of names; where code
 * generation is forbidden, they are interpreted one by one.
 */
import { codegenAllowed, generate } from '../codegen.ts'
import { monthNames, type PatternToken, weekdayNames } from './pattern.ts'
import { clear, digits, findName, finish, fraction, half, type Read, readOffset, readZoneId } from './pieces.ts'

/** Fills `into` from a text; false: the text does not match, or is not a valid time. */
export type Reader = (text: string, into: Read) => boolean

/** The reader of a pattern's tokens. `truncate`: drops digits finer than a millisecond. */
export const tokenReader = (tokens: readonly PatternToken[], truncate: boolean): Reader =>
  codegenAllowed ? generatedReader(tokens, truncate) : interpretedReader(tokens, truncate)

type NumberToken = Extract<PatternToken, { least: number }>

/** The tokens have a day but no time of day. */
const isDay = (tokens: readonly PatternToken[]): boolean =>
  !tokens.some(({ part }) => part === 'hour' || part === 'hour12')

const fieldOf = (part: NumberToken['part']) => (part === 'hour12' ? 'hour' : part)

function generatedReader(tokens: readonly PatternToken[], truncate: boolean): Reader {
  const scope = { truncate, clear, findName, finish, fraction, half, readOffset, readZoneId, monthNames, weekdayNames }
  const steps = [...tokens.map(stepOf), `into.isDay = ${isDay(tokens)}`].join('\n')
  return generate(
    scope,
    `return (t, into) => {\nclear(into)\nlet at = 0, c = 0, v = 0\n${steps}\nreturn at === t.length && finish(into)\n}`,
  )
}

/** The code that reads one token at `at`: `t` is the text, `c` a character, `v` a value. */
function stepOf(token: PatternToken): string {
  switch (token.part) {
    case 'literal':
      return Array.from(
        { length: token.text.length },
        (_, i) => `if (t.charCodeAt(at++) !== ${token.text.charCodeAt(i)}) return false`,
      ).join('\n')
    case 'monthName':
    case 'weekday': {
      const names = token.part === 'weekday' ? 'weekdayNames' : 'monthNames'
      const set = token.part === 'weekday' ? 'into.weekday = v' : 'into.month = v + 1'
      return `v = findName(t, at, ${names}, ${token.long}); if (v < 0) return false; at += ${token.long ? `${names}[v].length` : 3}; ${set}`
    }
    case 'half':
      return 'into.pm = half(t, at); if (into.pm < 0) return false; at += 2'
    case 'fraction':
      return `into.ms = fraction(t, at, ${token.width}, truncate); if (into.ms < 0) return false; at += ${token.width}`
    case 'offset':
      return `at = readOffset(t, at, ${token.zero}, ${token.short}, ${token.colon}, into); if (at < 0) return false`
    case 'zoneId':
      return 'at = readZoneId(t, at, into); if (at < 0) return false'
    default: {
      const digit = (value: string) =>
        `c = t.charCodeAt(at++) - 48; if (!(c >= 0 && c <= 9)) return false; v = ${value}`
      const fixed = Array.from({ length: token.least }, (_, i) => digit(i === 0 ? 'c' : 'v * 10 + c'))
      const more =
        token.least < token.width ? ['c = t.charCodeAt(at) - 48; if (c >= 0 && c <= 9) { v = v * 10 + c; at++ }'] : []
      const set = `into.${fieldOf(token.part)} = ${token.part === 'year' && token.width === 2 ? 'v + 2000' : 'v'}`
      return [...fixed, ...more, set].join('\n')
    }
  }
}

/** The twin of the generated reader: the same instructions, one after the other. */
export function interpretedReader(tokens: readonly PatternToken[], truncate: boolean): Reader {
  const ops = tokens.map((token) => token.part)
  const ends = tokens.length
  const onlyDay = isDay(tokens)
  return (text, into) => {
    clear(into)
    let at = 0
    for (let k = 0; k < ends; k++) {
      switch (ops[k]) {
        case 'literal': {
          const { text: literal } = tokens[k] as PatternToken & { part: 'literal' }
          if (literal.length === 1 ? text.charCodeAt(at) !== literal.charCodeAt(0) : !text.startsWith(literal, at))
            return false
          at += literal.length
          break
        }
        case 'monthName':
        case 'weekday': {
          const token = tokens[k] as PatternToken & { part: 'monthName' | 'weekday' }
          const names = token.part === 'weekday' ? weekdayNames : monthNames
          const found = findName(text, at, names, token.long)
          if (found < 0) return false
          at += token.long ? names[found]!.length : 3
          if (token.part === 'weekday') into.weekday = found
          else into.month = found + 1
          break
        }
        case 'half': {
          into.pm = half(text, at)
          if (into.pm < 0) return false
          at += 2
          break
        }
        case 'fraction': {
          const { width } = tokens[k] as PatternToken & { part: 'fraction' }
          const ms = fraction(text, at, width, truncate)
          if (ms < 0) return false
          into.ms = ms
          at += width
          break
        }
        case 'offset': {
          const token = tokens[k] as PatternToken & { part: 'offset' }
          at = readOffset(text, at, token.zero, token.short, token.colon, into)
          if (at < 0) return false
          break
        }
        case 'zoneId':
          at = readZoneId(text, at, into)
          if (at < 0) return false
          break
        default: {
          const { part, width, least } = tokens[k] as PatternToken & { part: 'year'; least: number }
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
          into[fieldOf(part)] = part === 'year' && width === 2 ? value + 2000 : value
        }
      }
    }
    into.isDay = onlyDay
    return at === text.length && finish(into)
  }
}
