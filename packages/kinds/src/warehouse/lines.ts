/** Rows as lines of text, as a warehouse loads them. */
import { DataError, type Records, type Row, type WriteFailure } from '@millrace/core'

/** How a field becomes the text of a column. */
export interface Cell {
  /** The field. */
  readonly name: string
  /** Null is a failure of its record. */
  readonly required?: boolean
  /** A value other than null. May throw `DataError` and `RangeError`. */
  write(value: unknown): string
}

/** Makes a function that gives a row's line, without its end. It throws `DataError` with the field. */
export function lineOfCells(cells: readonly Cell[], separator: string, nothing: string): (row: Row) => string {
  return (row) => {
    let line = ''
    for (let k = 0; k < cells.length; k++) {
      const { name, required, write } = cells[k]!
      const value = Object.hasOwn(row, name) ? row[name] : null
      if (k > 0) line += separator
      if (value === null || value === undefined) {
        if (required) throw new DataError('constraint', `the column of ${name} may not be null`, name)
        line += nothing
        continue
      }
      try {
        line += write(value)
      } catch (error) {
        if (error instanceof DataError) throw new DataError(error.code, error.message, name)
        throw error instanceof RangeError ? new DataError('out_of_range', error.message, name) : error
      }
    }
    return line
  }
}

/** An encoded row. */
export interface Line {
  readonly index: number
  readonly text: string
}

/**
 * The lines of all rows that can be encoded and have no null in their key; the others are added to `failures`.
 */
export function linesOf(
  { rows }: Records,
  lineOf: (row: Row) => string,
  failures: WriteFailure[],
  key: readonly string[] = [],
): Line[] {
  const lines: Line[] = []
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!
    try {
      if (key.length > 0) checkKey(row, key)
      lines.push({ index, text: lineOf(row) })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      const { code, message, field } = error
      failures.push({ index, kind: 'data', code, message, ...(field === undefined ? {} : { field }) })
    }
  }
  return lines
}

function checkKey(row: Row, key: readonly string[]): void {
  const missing = key.find((name) => (row[name] ?? null) === null)
  if (missing !== undefined)
    throw new DataError('null_key', `the key ${key.join(', ')} has a part that is null`, missing)
}
