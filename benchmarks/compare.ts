/**
 * Checks that two contestants' outputs are the same. Files are read by DuckDB, in their own order; SQLite stores are
 * compared as sets of documents. Throws on the first difference.
 */
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

const columns = `{ InvoiceNo: 'VARCHAR', StockCode: 'VARCHAR', Description: 'VARCHAR', Quantity: 'BIGINT', InvoiceDate: 'VARCHAR', UnitPrice: 'DOUBLE', country: 'VARCHAR' }`
const names = 'InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, country'

/** A file, or all files of that kind below a folder, in the order of their names. */
function filesOf(path: string, extension: string): string[] {
  if (statSync(path).isFile()) return [path]
  const found = globSync(`**/*.${extension}`, { cwd: path }).sort()
  if (found.length === 0) throw new Error(`no .${extension} file below ${path}`)
  return found.map((name) => join(path, name))
}

export async function sameFiles(a: string, b: string, extension: 'jsonl' | 'parquet', rows: number): Promise<void> {
  const read = (path: string) =>
    extension === 'parquet' ? `read_parquet(${listOf(path, extension)})` : jsonLines(path, columns)
  await withDuckDB(async (connection) => {
    for (const [table, path] of [
      ['a', a],
      ['b', b],
    ] as const) {
      await connection.run(`CREATE TABLE ${table} AS SELECT row_number() OVER () AS line, ${names} FROM ${read(path)}`)
      const [[count]] = (await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM ${table}`)).getRows() as [
        [number],
      ]
      if (count !== rows) throw new Error(`${path} has ${count} rows, not ${rows}`)
    }
    await differingIn(
      connection,
      `SELECT * FROM ((FROM a EXCEPT FROM b) UNION ALL (FROM b EXCEPT FROM a)) ORDER BY line LIMIT 2`,
      `${a} and ${b}`,
    )
  })
}

/** Results of windows, in any order; sums of doubles may differ in their last digits. */
export async function sameResults(a: string, b: string): Promise<void> {
  const types = `{ country: 'VARCHAR', hour: 'VARCHAR', lines: 'BIGINT', revenue: 'DOUBLE', customers: 'BIGINT' }`
  const read = (path: string) =>
    `(SELECT country, hour, lines, round(revenue, 4), customers FROM ${jsonLines(path, types)})`
  await withDuckDB((connection) =>
    differingIn(
      connection,
      `SELECT * FROM ((FROM ${read(a)} EXCEPT ALL FROM ${read(b)}) UNION ALL (FROM ${read(b)} EXCEPT ALL FROM ${read(a)})) LIMIT 2`,
      `${a} and ${b}`,
    ),
  )
}

const listOf = (path: string, extension: string): string =>
  `[${filesOf(path, extension)
    .map((name) => `'${name.replaceAll("'", "''")}'`)
    .join(', ')}]`
const jsonLines = (path: string, types: string): string =>
  `read_json(${listOf(path, 'jsonl')}, format = 'newline_delimited', columns = ${types})`

async function withDuckDB(work: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await work(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Throws with the rows that a query of differences finds. */
async function differingIn(connection: DuckDBConnection, query: string, what: string): Promise<void> {
  const differing = await connection.runAndReadAll(query)
  if (differing.currentRowCount)
    throw new Error(
      `${what} differ: ${differing
        .getRowsJson()
        .map((row) => JSON.stringify(row))
        .join(' against ')}`,
    )
}

/** Document stores: the same documents the same number of times, regardless of how the JSON and the ids are written. */
export function sameStores(a: string, b: string, rows: number): void {
  const db = new DatabaseSync(a)
  try {
    db.prepare('ATTACH ? AS b').run(b)
    const fields = names
      .split(', ')
      .map((name) => `doc ->> '$.${name}' AS ${name}`)
      .join(', ')
    for (const schema of ['main', 'b']) {
      const { n } = db.prepare(`SELECT count(*) AS n FROM ${schema}.items`).get() as { n: number }
      if (n !== rows) throw new Error(`${schema === 'main' ? a : b} has ${n} documents, not ${rows}`)
    }
    const counted = (schema: string) =>
      `SELECT ${names}, count(*) FROM (SELECT ${fields} FROM ${schema}.items) GROUP BY ${names}`
    const first = db.prepare(`${counted('main')} EXCEPT ${counted('b')} LIMIT 1`).get()
    if (first) throw new Error(`${b} lacks what ${a} has: ${JSON.stringify(first)}`)
  } finally {
    db.close()
  }
}
