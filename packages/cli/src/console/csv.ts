/**
 * Rows as CSV (RFC 4180) for spreadsheets. Text that a spreadsheet would run as a formula gets an apostrophe in front
 * (OWASP, CSV injection); numbers keep their sign and all their digits, and times name their zone.
 */
import type { Cell, Column } from '@millrace/core'

/** Types whose text can be no formula. */
const isNumeric = ({ type }: Column): boolean => /^(integer|bigint|number|decimal)/.test(type)

/** The line of the names. */
export const csvHeader = (columns: readonly Column[]): string => line(columns.map(({ name }) => harmless(name)))

/** The line of a row. A value that is no number is text, also in a column of numbers. */
export const csvLine = (columns: readonly Column[], row: readonly Cell[]): string =>
  line(
    row.map((cell, i) =>
      cell === null ? '' : isNumeric(columns[i]!) && isNumber(cell) ? String(cell) : harmless(String(cell)),
    ),
  )

const isNumber = (cell: Cell): boolean =>
  typeof cell === 'number' || /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(String(cell))

const harmless = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)

const line = (cells: readonly string[]): string => `${cells.map(quoted).join(',')}\r\n`

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
