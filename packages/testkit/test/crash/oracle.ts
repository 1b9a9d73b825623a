/**
 * What the outputs of the crash jobs must hold, derived from the input by code other than ours, in a process that is
 * never killed: cells and dates by regular expressions, the outputs read by node:sqlite and hyparquet.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sameRows, sameSet } from '../../src/contract/rows.ts'

export interface ExpectedRows {
  /** Good records in the order of the input. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** The original lines of the bad ones. */
  readonly bad: readonly string[]
  /** Per country: how many lines, and their quantity. */
  readonly tally: readonly { readonly country: string; readonly lines: number; readonly quantity: number }[]
}

const days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** `M/d/yyyy H:mm` as `yyyy-MM-dd HH:mm:00`; undefined: there is no such date. */
function isoDate(text: string): string | undefined {
  const [, month, day, year, hour, minute] = (/^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d\d)$/.exec(text) ?? []).map(
    Number,
  )
  if (!month || month > 12 || !day || day > days[month - 1]! || hour! > 23 || minute! > 59) return undefined
  if (month === 2 && day === 29 && new Date(Date.UTC(year!, 1, 29)).getUTCMonth() !== 1) return undefined
  const two = (n: number) => String(n).padStart(2, '0')
  return `${year}-${two(month)}-${two(day)} ${two(hour!)}:${two(minute!)}:00`
}

/** A generated retail file has no line break inside a cell, so a record is a line. */
export function expectedOf(csv: string): ExpectedRows {
  const rows: Record<string, unknown>[] = []
  const bad: string[] = []
  const tally = new Map<string, { country: string; lines: number; quantity: number }>()
  for (const line of readFileSync(csv, 'latin1').split('\r\n').slice(1, -1)) {
    const [InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, , country] = cells(line) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    const date = isoDate(InvoiceDate)
    if (date === undefined) {
      bad.push(line)
      continue
    }
    const quantity = Number(Quantity)
    rows.push({
      InvoiceNo,
      StockCode,
      Description: Description || null,
      Quantity: quantity,
      InvoiceDate: date,
      UnitPrice: Number(UnitPrice),
      country,
    })
    const sum = tally.get(country) ?? { country, lines: 0, quantity: 0 }
    tally.set(country, { country, lines: sum.lines + 1, quantity: sum.quantity + quantity })
  }
  return { rows, bad, tally: [...tally.values()] }
}

/** The cells of one line, without their quotes. */
const cells = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
  )

const filesBelow = (folder: string, extension: string): string[] =>
  globSync(`**/*.${extension}`, { cwd: folder })
    .sort()
    .map((name) => join(folder, name))

/** The rows of all JSON lines files below a folder, in the order of their names. Throws for a torn line. */
export function jsonLines(folder: string): Record<string, unknown>[] {
  return filesBelow(folder, 'jsonl').flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  )
}

/** The rows of all Parquet files below a folder, in the order of their names. */
export async function parquetRows(folder: string): Promise<Record<string, unknown>[]> {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet')
  const { zstdDecompressSync } = await import('node:zlib')
  const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) }
  const rows: Record<string, unknown>[] = []
  for (const path of filesBelow(folder, 'parquet')) {
    const read = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
    for (const row of read)
      rows.push(
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
        ),
      )
  }
  return rows
}

/** The documents of a collection with their ids, in the order of the positions at the ids' end. */
export function documents(
  path: string,
  collection: string,
): { readonly id: string; readonly doc: Record<string, unknown> }[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const found = db
      .prepare(`SELECT id, doc FROM "${collection}"`)
      .all()
      .map((row) => ({ id: String(row['id']), doc: JSON.parse(String(row['doc'])) as Record<string, unknown> }))
    const position = (id: string) => Number(/@(\d+)$/.exec(id)?.[1])
    return found.sort((a, b) => position(a.id) - position(b.id))
  } finally {
    db.close()
  }
}

/** The rows of a table, in the order in which they came. */
export function tableRows(path: string, table: string): Record<string, unknown>[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return db.prepare(`SELECT * FROM "${table}" ORDER BY rowid`).all()
  } finally {
    db.close()
  }
}

/** Bad lines in the dead letter: each at least once, nothing else. */
export function sameDeadLetters(folder: string, bad: readonly string[]): void {
  const lines = jsonLines(folder).map((letter) =>
    Buffer.from(String(letter['bytes']), 'base64')
      .toString('latin1')
      .replace(/\r?\n$/, ''),
  )
  sameSet([...new Set(lines)], [...new Set(bad)], 'dead letters')
}

export { sameRows, sameSet }
