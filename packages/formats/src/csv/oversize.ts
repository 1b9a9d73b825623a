/**
 * Records longer than `max_record_size`, most often because of an unclosed quote.
 *
 * Such a record ends at the last line break within that size, and reading continues there. If there is none, everything
 * up to the next line break becomes bad records of at most that size: every byte of the input is in some record.
 */
import { type Chunk, lastBreak } from './chunk.ts'
import type { Layout, RowFailure } from './layout.ts'
import type { Dialect } from './options.ts'
import { afterLineEnd, openQuote } from './structure.ts'

export interface GivenUp {
  /** The first unit after the bad record. */
  readonly end: number
  readonly failure: RowFailure
  /** The line continues after it. */
  readonly inside: boolean
}

/**
 * Ends the record at `at`, which does not end in this chunk or is too long; undefined: more input is needed to decide.
 */
export function giveUp(chunk: Chunk, at: number, dialect: Dialect, layout: Layout, last: boolean): GivenUp | undefined {
  const tooLong = chunk.length - at > dialect.limit
  if (!tooLong && !last) return undefined
  const length = tooLong ? at + dialect.limit : chunk.length
  const cell = openQuote(chunk.units, at, length, dialect)
  const size = `${dialect.limit * chunk.units.BYTES_PER_ELEMENT} bytes`
  const field = cell === undefined ? undefined : layout.columns[cell]?.name
  const failure: RowFailure =
    cell === undefined
      ? { code: 'record_too_large', message: `the record is longer than max_record_size (${size})` }
      : {
          code: 'unclosed_quote',
          field,
          message: `a quote is not closed within ${tooLong ? `max_record_size (${size})` : 'the input'}`,
        }
  if (!tooLong) return { end: chunk.length, failure, inside: false }
  const cut = lastBreak(chunk, at, length)
  return cut > at ? { end: cut, failure, inside: false } : { end: length, failure, inside: true }
}

/** Skips the rest of a line; undefined: more input is needed. */
export function passOver(chunk: Chunk, at: number, dialect: Dialect, last: boolean): GivenUp | undefined {
  const { units, length } = chunk
  const failure: RowFailure = {
    code: 'record_too_large',
    message: 'this continues the previous record, which is longer than max_record_size',
  }
  const most = at + dialect.limit
  let i = at
  while (i < length && i < most && units[i] !== 10 && units[i] !== 13) i++
  const isEnd = i < length && i < most
  if (isEnd && (units[i] === 10 || i + 1 < length || last)) {
    const end = Math.min(afterLineEnd(units, i), length)
    if (end <= most) return { end, failure, inside: false }
  }
  // A CR as the last unit may be half of CR LF: the next unit decides.
  if (length > most || (length === most && units[most - 1] !== 13)) return { end: most, failure, inside: true }
  return last ? { end: length, failure, inside: false } : undefined
}
