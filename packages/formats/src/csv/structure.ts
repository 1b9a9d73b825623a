/**
 * The structure of a record, independent of the meaning of its cells.
 *
 * Scanners read code units (bytes, or 16-bit units for UTF-16) from a buffer whose unit before `end` is always a line
 * break, so no loop over plain cells has to check for the end. Records end with LF, CR LF or CR outside quotes. A cell
 * is quoted if its first character is the quote; elsewhere in a plain cell the quote is an ordinary character.
 */
import { isUtf8 } from 'node:buffer'
import { type Encoding, unitBytes } from '../text.ts'

/** Code units. A Buffer if they are bytes. */
export type Units = Uint8Array | Uint16Array

/** The code units that delimit cells; -1: none. */
export interface CellMarks {
  readonly delimiter: number
  readonly quote: number
}

/**
 * Where a record that begins at `at` ends: the index of its line break, and its number of cells; undefined: `end` comes
 * first.
 */
export function recordEnd(
  units: Units,
  at: number,
  end: number,
  { delimiter, quote }: CellMarks,
): { readonly lineEnd: number; readonly cells: number } | undefined {
  for (let i = at, cells = 1; ; i++, cells++) {
    if (units[i] === quote) {
      const close = closingQuote(units, i + 1, end, quote)
      if (close < 0) return undefined
      i = close + 1
      if (units[i] !== delimiter) return { lineEnd: lineEnd(units, i), cells }
    }
    let c = units[i]!
    while (c !== delimiter && c !== 10 && c !== 13) c = units[++i]!
    if (c !== delimiter) return { lineEnd: i, cells }
  }
}

/** The index of the next line break from `at` on, in quotes or not. */
export function lineEnd(units: Units, at: number): number {
  while (units[at] !== 10 && units[at] !== 13) at++
  return at
}

/**
 * The index of the cell whose quotes are open at `end`, in a record that begins at `at`; undefined: none is. `end` may
 * be anywhere.
 */
export function openQuote(units: Units, at: number, end: number, { delimiter, quote }: CellMarks): number | undefined {
  for (let i = at, cell = 0; i < end; i++, cell++) {
    if (units[i] === quote) {
      const close = closingQuote(units, i + 1, end, quote)
      if (close < 0) return cell
      i = close + 1
      if (units[i] !== delimiter) return undefined
    }
    while (i < end && units[i] !== delimiter) i++
  }
  return undefined
}

/** The index of the quote that closes a cell whose text begins at `at`; -1: `end` comes first. */
export function closingQuote(units: Units, at: number, end: number, quote: number): number {
  for (let i = at; i < end; i++) {
    if (units[i] !== quote) continue
    if (units[i + 1] !== quote) return i
    i++
  }
  return -1
}

/** The index after the line break at `at`. */
export const afterLineEnd = (units: Units, at: number): number =>
  units[at] === 13 && units[at + 1] === 10 ? at + 2 : at + 1

/**
 * The text of `start` to `end`; undefined if the units are not text. `wide`: the chunk has units that are not
 * characters by themselves, so that `text`, which has one character per unit, cannot simply be sliced.
 */
export type SliceText = (units: Units, text: string, start: number, end: number, wide: boolean) => string | undefined

/** See `SliceText`. */
export const slicerOf = (encoding: Encoding): SliceText => (encoding === 'utf-8' ? sliceUtf8 : sliceWellFormed)

function sliceWellFormed(_: Units, text: string, start: number, end: number, wide: boolean): string | undefined {
  const slice = text.slice(start, end)
  return !wide || slice.isWellFormed() ? slice : undefined
}

function sliceUtf8(units: Units, text: string, start: number, end: number, wide: boolean): string | undefined {
  if (!wide) return text.slice(start, end)
  const bytes = units as Buffer
  const slice = bytes.toString('utf8', start, end)
  // U+FFFD marks an invalid byte, unless it was in the text.
  return slice.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)) ? undefined : slice
}

/** The units of the byte order mark; empty: the encoding has none. */
export const markOf = (encoding: Encoding): readonly number[] =>
  encoding === 'utf-8' ? [0xef, 0xbb, 0xbf] : unitBytes(encoding) === 2 ? [0xfeff] : []

/** Whether there is a byte order mark at `at`. */
export const isMarked = (units: Units, at: number, mark: readonly number[]): boolean =>
  mark.length > 0 && mark.every((unit, k) => units[at + k] === unit)

/** Whether the range contains the unit. */
export function holds(units: Units, start: number, end: number, unit: number): boolean {
  while (start < end && units[start] !== unit) start++
  return start < end
}
