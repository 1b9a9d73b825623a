/** A plain table for terminals: no lines, two spaces between columns, numbers to the right. */
import { printJson } from '@millrace/core'

export interface Column {
  readonly title: string
  readonly right?: boolean
}

/**
 * The rows under their titles; cells must not have line breaks. A cell longer than `max` is shortened with an ellipsis.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], max = 60): string {
  const cells = rows.map((row) => row.map((cell) => (cell.length > max ? `${cell.slice(0, max - 1)}…` : cell)))
  const widths = columns.map((column, c) => Math.max(column.title.length, ...cells.map((row) => row[c]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    columns
      .map((column, c) => (column.right ? (row[c] ?? '').padStart(widths[c]!) : (row[c] ?? '').padEnd(widths[c]!)))
      .join('  ')
      .trimEnd()
  return `${[line(columns.map((column) => column.title)), ...cells.map(line)].join('\n')}\n`
}

/** `541909` as `541,909`. */
export const count = (n: number): string => String(Math.round(n)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')

/** Bytes in the unit that leaves two or three digits: `43.5 MiB`. */
export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024
    unit++
  }
  return unit === 0 ? `${n} B` : `${n.toFixed(n < 10 ? 2 : 1)} ${units[unit]}`
}

/** A readable time span: `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A value of a row as one cell. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value.replace(/[\p{Cc}]/gu, (c) => JSON.stringify(c).slice(1, -1))
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  return printJson(value)
}

/** Rows as a table, the fields of the first rows as columns; numbers to the right. */
export function rowTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const fields = [...new Set(rows.slice(0, 100).flatMap((row) => Object.keys(row)))]
  const numeric = (field: string) =>
    rows.some((row) => typeof row[field] === 'number' || typeof row[field] === 'bigint')
  return table(
    fields.map((title) => ({ title, right: numeric(title) })),
    rows.map((row) => fields.map((field) => cell(row[field]))),
  )
}
