/**
 * An answer as CSV (RFC 4180) for spreadsheets. Text that a spreadsheet would run as a formula gets an apostrophe in
 * front (OWASP, CSV injection); numbers keep their sign and all their digits.
 */
import type { Cell, Column } from './contract.ts'

/** Types whose text can be no formula. */
const isNumeric = ({ type }: Column): boolean => /^(integer|bigint|number|decimal)/.test(type)

/** All rows, with a header. */
export function csvOf(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]) => `${cells.map(quoted).join(',')}\r\n`
  const header = line(columns.map(({ name }) => harmless(name)))
  const body = rows.map((row) =>
    line(row.map((cell, i) => (cell === null ? '' : isNumeric(columns[i]!) ? String(cell) : harmless(String(cell))))),
  )
  return header + body.join('')
}

const harmless = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
