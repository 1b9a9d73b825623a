/**
 * Date patterns: the letters of Java's DateTimeFormatter that describe an instant. Likely mistakes (`YYYY`, minutes for
 * months, a 12-hour clock without `a`) are refused here, naming the letter that was probably meant.
 */

/** A part of a pattern. `width`: digits; `least`: the fewest digits when reading. */
export type PatternToken =
  | { readonly part: 'literal'; readonly text: string }
  | {
      readonly part: 'year' | 'month' | 'day' | 'hour' | 'hour12' | 'minute' | 'second'
      readonly width: number
      readonly least: number
    }
  | { readonly part: 'fraction'; readonly width: number }
  | { readonly part: 'monthName' | 'weekday'; readonly long: boolean }
  /** `zero`: `Z` means +00:00; `minutes` may be omitted when they are 0 (`X`); `colon`: +01:00. */
  | { readonly part: 'offset'; readonly zero: boolean; readonly short: boolean; readonly colon: boolean }
  | { readonly part: 'half' | 'zoneId' }

/** Formats that are not patterns: ISO 8601, and seconds or milliseconds since 1970-01-01T00:00Z. */
export const namedFormats = ['iso', 'epoch_s', 'epoch_ms'] as const
export type NamedFormat = (typeof namedFormats)[number]
export const isNamed = (format: string): format is NamedFormat => (namedFormats as readonly string[]).includes(format)

/** In English, from January. */
export const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
/** In English, from Monday. */
export const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

const meant: Readonly<Record<string, string>> = {
  Y: '`Y` counts week years: write `yyyy`',
  D: '`D` is the day of the year: write `d` or `dd`',
  k: '`k` counts hours from 1 to 24: write `H` or `HH`',
  K: '`K` counts hours from 0: write `h` or `hh`',
  L: 'write `M`',
  n: 'write `SSSSSSSSS`',
  T: "put literal letters in quotes: 'T'",
  z: 'zone names are ambiguous: write `XXX` for +01:00 or `VV` for Europe/Berlin',
}

/** The tokens of a pattern, or the problem in one sentence. */
export function readPattern(pattern: string): readonly PatternToken[] | string {
  if (pattern === '') return 'a date format is empty'
  const tokens: PatternToken[] = []
  let literal = ''
  const flush = () => {
    if (literal) tokens.push({ part: 'literal', text: literal })
    literal = ''
  }
  for (let i = 0; i < pattern.length; ) {
    const letter = pattern[i]!
    if (letter === "'") {
      const end = quoteEnd(pattern, i)
      if (end < 0) return `${show(pattern)} has an unclosed quote`
      literal += end === i + 1 ? "'" : pattern.slice(i + 1, end).replaceAll("''", "'")
      i = end + 1
    } else if (/[A-Za-z]/.test(letter)) {
      let end = i + 1
      while (pattern[end] === letter) end++
      const token = tokenOf(letter, end - i)
      if (typeof token === 'string') return `${show(pattern)}: ${token}`
      flush()
      tokens.push(token)
      i = end
    } else if ('[]{}#'.includes(letter)) {
      return `${show(pattern)}: ${letter} is reserved; for optional parts, give a list of formats`
    } else {
      literal += letter
      i++
    }
  }
  flush()
  return tokens
}

function quoteEnd(pattern: string, start: number): number {
  for (let i = start + 1; i < pattern.length; i++) {
    if (pattern[i] !== "'") continue
    if (pattern[i + 1] !== "'" || i === start + 1) return i
    i++
  }
  return -1
}

function tokenOf(letter: string, n: number): PatternToken | string {
  const written = letter.repeat(n)
  const number = (part: 'month' | 'day' | 'hour' | 'hour12' | 'minute' | 'second'): PatternToken | string =>
    n <= 2
      ? { part, width: 2, least: n }
      : `\`${written}\` has too many letters: write \`${letter}\` or \`${letter}${letter}\``
  switch (letter) {
    case 'y':
    case 'u':
      return n === 4 || n === 2
        ? { part: 'year', width: n, least: n }
        : `\`${written}\` is not a year: write \`yyyy\`, or \`yy\` for 2000 to 2099`
    case 'M':
      if (n === 3 || n === 4) return { part: 'monthName', long: n === 4 }
      return number('month')
    case 'd':
      return number('day')
    case 'H':
      return number('hour')
    case 'h':
      return number('hour12')
    case 'm':
      return number('minute')
    case 's':
      return number('second')
    case 'S':
      return n <= 9 ? { part: 'fraction', width: n } : `\`${written}\` has more than 9 digits`
    case 'a':
      return n === 1 ? { part: 'half' } : `write \`a\` for AM and PM, not \`${written}\``
    case 'E':
      return n <= 4 ? { part: 'weekday', long: n === 4 } : `write \`E\` for Mon or \`EEEE\` for Monday`
    case 'X':
    case 'x':
      if (n > 3) return `\`${written}\` has too many letters: write \`${letter.repeat(3)}\` for +01:00`
      return { part: 'offset', zero: letter === 'X', short: n === 1, colon: n === 3 }
    case 'Z':
      if (n === 4 || n > 5) return 'write `Z` for +0100 or `XXX` for +01:00'
      return { part: 'offset', zero: n === 5, short: false, colon: n === 5 }
    case 'V':
      return n === 2 ? { part: 'zoneId' } : 'write `VV` for a zone such as Europe/Berlin'
    default:
      return meant[letter] ?? `\`${letter}\` has no meaning in a date format; put literal text in quotes`
  }
}

const twelveHours = (format: string) =>
  `${show(format)}: \`h\` is a 12-hour clock and needs \`a\` (AM or PM): write \`H\` for 24 hours`
const show = (pattern: string) => JSON.stringify(pattern)

/**
 * The problem with a date format: an unknown letter, a part that is missing or given twice; undefined: none.
 *
 * `parse` formats must describe a complete date; `print` formats may have any parts, except ones that depend on
 * another.
 */
export function checkDateFormat(format: string, use: 'parse' | 'print' = 'parse'): string | undefined {
  if (isNamed(format)) return undefined
  const tokens = readPattern(format)
  if (typeof tokens === 'string') return tokens
  const parts = tokens.map((token) =>
    token.part === 'monthName' ? 'month' : token.part === 'hour12' ? 'hour' : token.part,
  )
  const twice = parts.find((part, i) => part !== 'literal' && parts.indexOf(part) !== i)
  const has = (part: string) => parts.includes(part as never)
  const twelve = tokens.some((token) => token.part === 'hour12')
  if (use === 'print') {
    if (parts.every((part) => part === 'literal')) return `${show(format)} has no part of a date`
    const minutes = parts.filter((part) => part === 'minute').length
    if (minutes > 1 && !has('month')) return `${show(format)} has the minute twice (\`M\` is the month)`
    if (has('minute') && !has('hour') && (has('year') || has('month') || has('day')))
      return `${show(format)} has minutes without an hour (\`M\` is the month)`
    return twelve && !has('half') ? twelveHours(format) : undefined
  }
  if (twice) {
    const meantMinutes = twice === 'month' && has('hour') && !has('minute') ? ' (`m` is minutes)' : ''
    return `${show(format)} has the ${twice === 'half' ? 'half of the day' : twice} twice${meantMinutes}`
  }
  if (!has('year')) return `${show(format)} has no year: write \`yyyy\``
  if (!has('month'))
    return `${show(format)} has no month: write \`M\` or \`MM\`${has('minute') ? ' (`m` is minutes)' : ''}`
  if (!has('day')) return `${show(format)} has no day: write \`d\` or \`dd\``
  if (twelve && !has('half')) return twelveHours(format)
  if (has('half') && !twelve) return `${show(format)}: \`a\` (AM or PM) only goes with \`h\``
  if (has('minute') && !has('hour'))
    return `${show(format)} has minutes without an hour${format.includes('mm') ? ' (`MM` is the month)' : ''}`
  if (has('second') && !has('minute')) return `${show(format)} has seconds without minutes`
  if (has('fraction') && !has('second')) return `${show(format)} has a fraction without seconds`
  if (has('offset') && has('zoneId')) return `${show(format)} has the zone twice`
  return adjacent(tokens, format)
}

/** `Md` is ambiguous: a part of one or two digits must not be followed by a digit. */
function adjacent(tokens: readonly PatternToken[], format: string): string | undefined {
  for (let i = 0; i + 1 < tokens.length; i++) {
    const token = tokens[i]!
    const next = tokens[i + 1]!
    if (!('least' in token) || token.least === token.width) continue
    if ('width' in next || (next.part === 'literal' && /^\d/.test(next.text)))
      return `${show(format)}: a part of one or two digits is followed by a digit: double its letter`
  }
  return undefined
}
