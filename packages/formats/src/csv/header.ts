/** The header line: the names of the columns. */
import { MillraceError } from '@millrace/core'
import { badEncoding } from '../text.ts'
import { type Chunk, lastBreak } from './chunk.ts'
import type { RowFailure } from './layout.ts'
import type { CsvOptions, Dialect } from './options.ts'
import { afterLineEnd, closingQuote, lineEnd } from './structure.ts'

export interface Header {
  readonly names: readonly string[]
  /** The line's start, and the first unit after it. */
  readonly start: number
  readonly next: number
  /** It is not well-formed; the names are what was found. */
  readonly failure?: RowFailure
}

/**
 * The header after the empty lines from `at` on; undefined: it does not end in this chunk. Throws `MillraceError`
 * `unclosed_quote` if it can no longer end.
 */
export function readHeader(
  chunk: Chunk,
  at: number,
  dialect: Dialect,
  options: CsvOptions,
  last: boolean,
): Header | undefined {
  const end = last ? chunk.end : Math.max(chunk.end, lastBreak(chunk, Math.max(at, chunk.end)))
  while (at < end && (chunk.units[at] === 10 || chunk.units[at] === 13)) at = afterLineEnd(chunk.units, at)
  const header = at < end ? parse(chunk, at, end, dialect, options) : undefined
  const tooLarge = (header ? header.next : chunk.length) - at > dialect.limit
  if (!tooLarge && (header || !last || at >= chunk.length)) return header
  throw new MillraceError(
    'unclosed_quote',
    `the header does not end${tooLarge ? ` within max_record_size (${options.max_record_size} bytes)` : ''}`,
    {
      hint: 'it has an unclosed quote, or this is not a CSV file',
    },
  )
}

function parse(chunk: Chunk, at: number, end: number, dialect: Dialect, { encoding }: CsvOptions): Header | undefined {
  const { units, text, wide } = chunk
  const names: string[] = []
  let failure: RowFailure | undefined
  for (let i = at; ; i++) {
    let from = i
    let to: number
    const quoted = units[i] === dialect.quote
    if (quoted) {
      to = closingQuote(units, ++from, end, dialect.quote)
      if (to < 0) return undefined
      i = to + 1
    } else {
      while (units[i] !== dialect.delimiter && units[i] !== 10 && units[i] !== 13) i++
      to = i
    }
    const name = dialect.slice(units, text, from, to, wide)
    if (name === undefined) {
      const width = units.BYTES_PER_ELEMENT
      const { code, message } = badEncoding(chunk.bytes.subarray(from * width, to * width), encoding)
      failure ??= { code, message: `column ${names.length + 1} of the header: ${message}` }
    }
    const mark = String.fromCharCode(dialect.quote)
    const plain = name ?? text.slice(from, to).toWellFormed()
    names.push(quoted ? plain.replaceAll(mark + mark, mark) : plain)
    const c = units[i]
    if (c === dialect.delimiter) continue
    if (c !== 10 && c !== 13)
      failure = {
        code: 'bad_quote',
        field: names.at(-1)!,
        message: `column ${names.length} of the header has text after its closing quote`,
      }
    return { names, start: at, next: afterLineEnd(units, lineEnd(units, i)), failure }
  }
}
