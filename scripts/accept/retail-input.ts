/**
 * What flow 5 must leave for a file of the online-retail data, computed without ours: DuckDB reads the file, and plain
 * loops build the wide tables, where the last line in the order of the file wins.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { askAll } from './duckdb.ts'
import type { RetailRow } from './facts.ts'
import { linesOf } from './stores.ts'

/** A line of an invoice, its date as the file spells it. */
export type Line = RetailRow

/** A line whose values are all text, as a reader of CSV gives it. */
export const lineOf = (texts: Record<string, string | null>): Line => ({
  InvoiceNo: texts['InvoiceNo']!,
  StockCode: texts['StockCode']!,
  Description: texts['Description'] ?? null,
  Quantity: Number(texts['Quantity']),
  InvoiceDate: texts['InvoiceDate']!,
  UnitPrice: Number(texts['UnitPrice']),
  CustomerID: texts['CustomerID'] === null ? null : Number(texts['CustomerID']),
  Country: texts['Country']!,
})

/** Writes the first rows of the compressed file, of which each is a line, to `to`; returns that. */
export function firstRows(path: string, rows: number, to: string): string {
  const bytes = gunzipSync(readFileSync(path))
  let end = 0
  // The header is a line as well.
  for (let line = 0; line <= rows && end >= 0; line++) end = bytes.indexOf(10, end) + 1 || -1
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to, bytes.subarray(0, end < 0 ? undefined : end))
  return to
}

/** The records of CSV files in UTF-8 or ISO-8859-1, in the order of the files, all as text. */
export async function* csvLines(
  paths: readonly string[],
  scratch: string,
  encoding: 'utf-8' | 'latin-1' = 'utf-8',
): AsyncGenerator<Line> {
  if (paths.length === 0) return
  mkdirSync(dirname(scratch), { recursive: true })
  const list = paths.map((path) => `'${path}'`).join(', ')
  const csv = `read_csv([${list}], header = true, all_varchar = true, encoding = '${encoding}', quote = '"', escape = '"')`
  await askAll(`COPY (SELECT * FROM ${csv}) TO '${scratch}' (FORMAT json)`)
  for await (const texts of linesOf<Record<string, string | null>>(scratch)) yield lineOf(texts)
}

/** The lines of the client's file, compressed or not. */
export async function inputLines(input: string, scratch: string): Promise<Line[]> {
  const bytes = readFileSync(input)
  mkdirSync(dirname(scratch), { recursive: true })
  writeFileSync(`${scratch}.csv`, input.endsWith('.gz') ? gunzipSync(bytes) : bytes)
  const lines: Line[] = []
  for await (const line of csvLines([`${scratch}.csv`], scratch, 'latin-1')) lines.push(line)
  return lines
}

/** A wide table: by key, the attributes of the item. */
export type Wide = ReadonlyMap<string, Readonly<Record<string, object>>>

/** The two wide tables. */
export function wideTables(lines: readonly Line[]): { customer: Wide; invoice: Wide } {
  const customer = new Map<string, Record<string, object>>()
  const invoice = new Map<string, Record<string, object>>()
  const set = (table: typeof customer, key: string, name: string, value: object) => {
    if (!table.has(key)) table.set(key, {})
    table.get(key)![name] = value
  }
  for (const { InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country } of lines) {
    if (CustomerID !== null) set(customer, String(CustomerID), InvoiceNo, { InvoiceDate, Country })
    set(invoice, InvoiceNo, StockCode, { Description, Quantity, UnitPrice })
  }
  return { customer, invoice }
}

/** By item: how many lines it is in, and how many pieces. */
export function itemsOf(lines: readonly Line[]): { StockCode: string; lines: number; pieces: number }[] {
  const items = new Map<string, { StockCode: string; lines: number; pieces: number }>()
  for (const { StockCode, Quantity } of lines) {
    const item = items.get(StockCode) ?? { StockCode, lines: 0, pieces: 0 }
    item.lines++
    item.pieces += Quantity
    items.set(StockCode, item)
  }
  return [...items.values()]
}
