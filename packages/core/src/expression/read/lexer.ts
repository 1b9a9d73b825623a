/**
 * CEL's tokens (https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax), with two extensions for names
 * that come from CSV headers and JSON keys: a name may have any Unicode letters, and any text between backticks is a
 * name. Syntax of other languages is refused with a hint.
 */
import { BadSyntax } from './problem.ts'

export type Token = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'name'; readonly value: string; readonly quoted: boolean }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'number'; readonly value: number; readonly digits: bigint; readonly scale: number }
  | { readonly kind: 'mark'; readonly value: string }
  | { readonly kind: 'end' }
)

const marks = [
  '==',
  '!=',
  '<=',
  '>=',
  '&&',
  '||',
  '<',
  '>',
  '!',
  '+',
  '-',
  '*',
  '/',
  '%',
  '?',
  ':',
  '.',
  ',',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
]

/** Syntax of other languages, and its equivalent here. */
const foreign: readonly (readonly [pattern: RegExp, message: string])[] = [
  [/===|!==/y, 'write == or != to compare'],
  [/<>/y, 'write != for "not equal"'],
  [/=/y, 'write == to compare'],
  [/&/y, 'write && for "and"'],
  [/\|/y, 'write || for "or"'],
  [/[\u201c\u201d\u201e\u00ab\u00bb]/y, 'write text between straight quotes: "text"'],
  [/[\u2018\u2019\u201a]/y, "write text between straight quotes: 'text'"],
  [/[\u2013\u2014\u2212]/y, 'write - for minus'],
  [/[@#$]/y, 'fields are written without a prefix'],
]

const space = /(?:[ \t\n\r\f]+|\/\/[^\n]*)+/y
const plainName = /[A-Za-z_][A-Za-z0-9_]*/y
// Compiled only when a text has other letters, since that is slow.
let anyName: RegExp | undefined
const hex = /0[xX][0-9a-fA-F]+/y
const decimal = /(?:\d+\.\d+|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?/y
const whole = /\d+/y
const quoteStart = /([rR]|[bB]|[rR][bB]|[bB][rR])?("""|'''|"|')/y

const at = (pattern: RegExp, text: string, index: number): RegExpExecArray | null => {
  pattern.lastIndex = index
  return pattern.exec(text)
}

/** The name that begins at `index`. */
function nameAt(text: string, index: number): string | undefined {
  const plain = at(plainName, text, index)?.[0]
  if (!(text.charCodeAt(index + (plain?.length ?? 0)) > 127)) return plain
  anyName ??= /[\p{L}_][\p{L}\p{M}\p{Nd}_]*/uy
  return at(anyName, text, index)?.[0] ?? plain
}

/** The tokens of a text, with an `end` after the last. Throws `BadSyntax`. */
export function tokens(text: string): Token[] {
  const found: Token[] = []
  let i = 0
  while (true) {
    i += at(space, text, i)?.[0].length ?? 0
    if (i >= text.length) break
    const token = tokenAt(text, i)
    found.push(token)
    i = token.end
  }
  found.push({ kind: 'end', start: text.length, end: text.length })
  return found
}

function tokenAt(text: string, start: number): Token {
  const quote = at(quoteStart, text, start)
  if (quote) return quoted(text, start, (quote[1] ?? '').toLowerCase(), quote[2]!, start + quote[0].length)
  const word = nameAt(text, start)
  if (word) return { kind: 'name', value: word, quoted: false, start, end: start + word.length }
  if (text[start] === '`') return backticks(text, start)
  const first = text.charCodeAt(start)
  if ((first >= 48 && first <= 57) || (first === 46 && /\d/.test(text[start + 1] ?? ''))) return numeral(text, start)
  for (const [pattern, hint] of foreign) {
    const wrong = at(pattern, text, start)
    const value = wrong?.[0]
    if (!value || ((value === '=' || value === '&' || value === '|') && text.startsWith(value + value, start))) continue
    throw new BadSyntax(`${value} has no meaning in an expression`, [start, start + value.length], hint)
  }
  for (const mark of marks)
    if (text.startsWith(mark, start)) return { kind: 'mark', value: mark, start, end: start + mark.length }
  const character = String.fromCodePoint(text.codePointAt(start)!)
  throw new BadSyntax(`${JSON.stringify(character)} has no meaning in an expression`, [start, start + character.length])
}

function backticks(text: string, start: number): Token {
  const close = text.indexOf('`', start + 1)
  if (close < 0) throw new BadSyntax('a name between backticks has no closing `', [start, text.length])
  if (close === start + 1) throw new BadSyntax('a name between backticks is empty', [start, close + 1])
  return { kind: 'name', value: text.slice(start + 1, close), quoted: true, start, end: close + 1 }
}

function numeral(text: string, start: number): Token {
  const found = at(hex, text, start) ?? at(decimal, text, start) ?? at(whole, text, start)!
  const written = found[0]
  const end = start + written.length
  const tail = nameAt(text, end)
  if (tail === 'u' || tail === 'U')
    throw new BadSyntax('there are no unsigned numbers', [start, end + 1], `write ${written}`)
  if (tail)
    throw new BadSyntax(
      `${written}${tail} is not a number`,
      [start, end + tail.length],
      `write a name that starts with a digit between backticks: \`${written}${tail}\``,
    )
  if (/^0x/i.test(written) || /^\d+$/.test(written)) return { kind: 'integer', value: BigInt(written), start, end }
  const value = Number(written)
  if (!Number.isFinite(value)) throw new BadSyntax(`${written} is too large for a number`, [start, end])
  if (value === 0 && /[1-9]/.test(written.split(/e/i)[0]!))
    throw new BadSyntax(`${written} is too small for a number: it would become 0`, [start, end])
  const [mantissa, exponent = '0'] = written.toLowerCase().split('e')
  const [before, after = ''] = mantissa!.split('.')
  return {
    kind: 'number',
    value,
    digits: BigInt(`${before}${after}`),
    scale: after.length - Number(exponent),
    start,
    end,
  }
}

function quoted(text: string, start: number, prefix: string, quote: string, from: number): Token {
  const raw = prefix.includes('r')
  let i = from
  while (!text.startsWith(quote, i)) {
    if (i >= text.length) throw new BadSyntax(`text has no closing ${quote}`, [start, text.length])
    if (quote.length === 1 && (text[i] === '\n' || text[i] === '\r'))
      throw new BadSyntax(
        `text between ${quote} ends at the end of the line`,
        [start, i],
        'write \\n, or use three quotes',
      )
    i += text[i] === '\\' && !raw ? 2 : 1
  }
  const body = text.slice(from, i)
  const end = i + quote.length
  if (prefix.includes('b')) return { kind: 'bytes', value: bytesOf(body, from, raw), start, end }
  return { kind: 'text', value: raw ? body : unescape(body, from), start, end }
}

const plainEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
}
const escape = /\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/y

/** What the escape at `i` means: a character, or a code and whether it counts as an octet in bytes. */
function escapeAt(body: string, i: number, from: number): { length: number; code: number; octet: boolean } {
  const found = at(escape, body, i)
  const code = found
    ? found[1] !== undefined
      ? plainEscapes[found[1]]!.charCodeAt(0)
      : found[5] !== undefined
        ? Number.parseInt(found[5], 8)
        : Number.parseInt((found[2] ?? found[3] ?? found[4])!, 16)
    : -1
  if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    const shown = body.slice(i, i + (found?.[0].length ?? 2))
    throw new BadSyntax(
      `${shown} is not an escape sequence`,
      [from + i, from + i + shown.length],
      'write \\\\ for a backslash, or r"..." for raw text',
    )
  }
  return { length: found![0].length, code, octet: found![2] !== undefined || found![5] !== undefined }
}

function unescape(body: string, from: number): string {
  let made = ''
  for (let i = 0; i < body.length; ) {
    const next = body.indexOf('\\', i)
    if (next < 0) return made + body.slice(i)
    const { length, code } = escapeAt(body, next, from)
    made += body.slice(i, next) + String.fromCodePoint(code)
    i = next + length
  }
  return made
}

function bytesOf(body: string, from: number, raw: boolean): Uint8Array {
  if (raw || !body.includes('\\')) return new TextEncoder().encode(body)
  const made: number[] = []
  for (let i = 0; i < body.length; ) {
    const next = body.indexOf('\\', i)
    made.push(...new TextEncoder().encode(body.slice(i, next < 0 ? body.length : next)))
    if (next < 0) break
    const { length, code, octet } = escapeAt(body, next, from)
    if (octet) made.push(code)
    else made.push(...new TextEncoder().encode(String.fromCodePoint(code)))
    i = next + length
  }
  return Uint8Array.from(made)
}
