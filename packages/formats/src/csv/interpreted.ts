/** The simple implementation of the scanners, which defines their behaviour. compiled.ts does the same, faster. */
import { afterLineEnd, closingQuote, holds, isMarked, lineEnd, recordEnd, type Units } from './structure.ts'
import type { Dialect } from './options.ts'
import type { Layout, RowFailure } from './layout.ts'
import type { Trouble } from './trouble.ts'
import type { Row } from '@millrace/core'

/** A record that failed; offsets are in units of the chunk. */
export interface FailedRecord {
  readonly start: number
  readonly end: number
  readonly failure: RowFailure
}

/**
 * Reads records from `at` until `max` were found, `end` is reached, or a record does not end before `end` or is longer
 * than allowed; returns the index where it stopped. Rows are added to `rows`, the boundaries of row n are stored at 2n
 * and 2n+1 of `spans`, and failed records are added to `bad`. See structure.ts for `units` and `text`.
 */
export type Scan = (
  units: Units,
  text: string,
  at: number,
  end: number,
  rows: Row[],
  spans: Int32Array,
  bad: FailedRecord[],
  max: number,
) => number

/** An empty list of rows. To V8 `[]` is one of small integers, and the first object in it makes it compile again. */
export function noRows(): Row[] {
  const rows: Row[] = [{}]
  rows.pop()
  return rows
}

export function interpretedScan(layout: Layout, dialect: Dialect, trouble: Trouble, wide: boolean): Scan {
  const { columns, outputs } = layout
  const { delimiter, quote, strictQuotes, mark, limit } = dialect
  const last = columns.length - 1
  const values = new Array<unknown>(columns.length)

  return (units, text, at, end, rows, spans, bad, max) => {
    trouble.clear()
    let i = at
    for (let found = 0; i < end && found < max; ) {
      const start = i
      if (last > 0 && (units[i] === 10 || units[i] === 13)) {
        i = afterLineEnd(units, i)
        continue
      }
      values.fill(null)
      if (isMarked(units, i, mark)) trouble.marked()
      for (let k = 0; k <= last; k++) {
        const quoted = units[i] === quote
        let from = i
        let to: number
        if (quoted) {
          from++
          to = closingQuote(units, from, end, quote)
          if (to < 0) return start
          i = to + 1
        } else {
          while (units[i] !== delimiter && units[i] !== 10 && units[i] !== 13) i++
          to = i
          if (strictQuotes && holds(units, from, to, quote)) trouble.bareQuote(k)
        }
        values[k] = cellValue(k, units, text, from, to, quoted)
        const c = units[i]
        if (c !== delimiter && c !== 10 && c !== 13) {
          trouble.unquoted(k)
          i = lineEnd(units, i)
          break
        }
        if (k < last && c !== delimiter) {
          trouble.short(k)
          break
        }
        if (k < last) i++
        else if (c === delimiter) {
          const rest = recordEnd(units, i + 1, end, dialect)
          if (!rest) return start
          trouble.ragged(columns.length + rest.cells)
          i = rest.lineEnd
        }
      }
      i = afterLineEnd(units, i)
      if (i - start > limit) return start
      const row: Row = {}
      for (let x = 0; x < outputs.length; x++) {
        const { name, column, date } = outputs[x]!
        const value = values[column]
        put(row, name, date && value !== null && value !== undefined ? trouble.date(x, value as string) : value)
      }
      if (trouble.any) bad.push({ start, end: i, failure: trouble.take() })
      else {
        spans[2 * rows.length] = start
        spans[2 * rows.length + 1] = i
        rows.push(row)
      }
      found++
    }
    return i
  }

  function cellValue(k: number, units: Units, text: string, from: number, to: number, quoted: boolean): unknown {
    const cell = dialect.slice(units, text, from, to, wide && !isAscii(units, from, to))
    if (cell === undefined) {
      trouble.undecodable(k, units, from, to)
      return null
    }
    if (columns[k]!.kind === 'skip') return null
    return trouble.cell(k, quoted ? unescaped(cell) : cell, quoted)
  }

  function unescaped(cell: string): string {
    const mark = String.fromCharCode(quote)
    return cell.replaceAll(mark + mark, mark)
  }
}

function isAscii(units: Units, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (units[i]! > 127) return false
  return true
}

/** `__proto__` becomes an ordinary property. */
function put(row: Row, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
  else row[name] = value
}
