/**
 * The real retail file to Parquet, JSON lines and SQLite in one pass; then DuckDB and plain readers look for the known
 * facts in each.
 */
import { cpSync, createReadStream, createWriteStream, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { pipeline } from 'node:stream/promises'
import { zstdDecompressSync } from 'node:zlib'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { pipe, root } from '../pipe.ts'
import { ask } from './duckdb.ts'
import { compareFacts, countFacts, type Facts, type RetailRow, retailQuery } from './facts.ts'

/** Runs the job with its outputs in `out`; true when every fact holds everywhere. */
export async function acceptRetail(data: string, out: string): Promise<boolean> {
  // The folder is the project of the run, so its state lies there too.
  rmSync(join(out, '.millrace'), { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  cpSync(join(root, 'scripts/accept/retail.yaml'), join(out, 'retail.yaml'))
  cpSync(join(root, 'pipelines/customer-service/schemas'), join(out, 'schemas'), { recursive: true })
  writeFileSync(join(out, 'millrace.yaml'), 'connections: { store: documents }\n')
  const { code } = await pipe(['run', 'retail.yaml', '--set', `input=${join(data, 'online-retail.csv.gz')}`], {
    cwd: out,
    show: true,
  })
  if (code !== 0) return false
  process.stdout.write('\n')

  const parquet = globSync('parquet/**/*.parquet', { cwd: out }).map((path) => join(out, path))
  const jsonl = globSync('jsonl/**/*.jsonl', { cwd: out }).map((path) => join(out, path))
  const store = join(out, '.millrace/local/store.db')
  // DuckDB cannot read SQLite without a download, so it gets the documents as JSON lines, written by SQLite's own JSON
  // functions.
  const exported = join(out, 'documents.jsonl')
  await pipeline(documentTexts(store), createWriteStream(exported))

  const asked = async (from: string): Promise<Facts> =>
    Object.fromEntries(Object.entries(await ask(retailQuery(from))).map(([fact, value]) => [fact, String(value)]))
  const list = (paths: readonly string[]) => `[${paths.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ')}]`
  const results = [
    compareFacts('DuckDB, Parquet     ', await asked(`read_parquet(${list(parquet)})`)),
    compareFacts('DuckDB, JSON lines  ', await asked(jsonLines(jsonl, list))),
    compareFacts('DuckDB, SQLite      ', await asked(jsonLines([exported], list))),
    compareFacts('hyparquet, Parquet  ', await countFacts(parquetRows(parquet))),
    compareFacts('JSON.parse, lines   ', await countFacts(lineRows(jsonl))),
    compareFacts('node:sqlite, SQLite ', await countFacts(documentRows(store))),
  ]
  const right = results.every(Boolean)
  process.stdout.write(
    `\n${right ? 'Every fact holds in every output' : 'SOME FACTS DO NOT HOLD'}. Outputs: ${join(out, 'parquet')}, ${join(out, 'jsonl')}, ${store}\n`,
  )
  return right
}

const columns =
  'InvoiceNo: VARCHAR, StockCode: VARCHAR, Description: VARCHAR, Quantity: BIGINT, InvoiceDate: VARCHAR, UnitPrice: VARCHAR, CustomerID: BIGINT, Country: VARCHAR'

// Column types are declared: DuckDB would read the text of a date as a timestamp and a price as a double.
const jsonLines = (paths: readonly string[], list: (paths: readonly string[]) => string): string =>
  `read_json(${list(paths)}, format = 'newline_delimited', columns = {${columns.replaceAll(/: (\w+)/g, ": '$1'")}})`

async function* parquetRows(paths: readonly string[]): AsyncGenerator<RetailRow> {
  for (const path of paths) {
    const file = await asyncBufferFromFile(path)
    const rows = (await parquetReadObjects({
      file,
      compressors: { ZSTD: (input) => zstdDecompressSync(input) },
    })) as Record<string, unknown>[]
    // It returns 64-bit integers as bigint.
    for (const row of rows)
      yield {
        ...row,
        Quantity: Number(row['Quantity']),
        CustomerID: row['CustomerID'] === null ? null : Number(row['CustomerID']),
      } as unknown as RetailRow
  }
}

async function* lineRows(paths: readonly string[]): AsyncGenerator<RetailRow> {
  for (const path of paths)
    for await (const line of createInterface({ input: createReadStream(path, 'utf8') }))
      yield withNulls(JSON.parse(line) as Partial<RetailRow>)
}

function* documents(store: string): Generator<string> {
  const db = new DatabaseSync(store, { readOnly: true })
  try {
    for (const row of db.prepare('SELECT doc AS text FROM "invoice-items"').iterate()) yield row['text'] as string
  } finally {
    db.close()
  }
}

function* documentTexts(store: string): Generator<string> {
  for (const text of documents(store)) yield `${text}\n`
}

function* documentRows(store: string): Generator<RetailRow> {
  for (const text of documents(store)) yield withNulls(JSON.parse(text) as Partial<RetailRow>)
}

// Null and absent are the same.
const withNulls = (row: Partial<RetailRow>): RetailRow => ({
  ...(row as RetailRow),
  Description: row.Description ?? null,
  CustomerID: row.CustomerID ?? null,
})
