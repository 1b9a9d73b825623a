/**
 * DuckDB doing a job of the table in one SQL statement, on one thread, through its Node binding: what a vectorised
 * engine needs for the same result. It reads a UTF-8 copy of the CSV, since decoding Latin-1 is not its strength, and
 * every type is declared, so nothing is sniffed. Dates are text in the result, as for every contestant.
 */
import { DuckDBInstance } from '@duckdb/node-api'

const [job, input, output] = process.argv.slice(2) as [string, string, string]
const text = (value: string) => `'${value.replaceAll("'", "''")}'`

const project = `SELECT InvoiceNo, StockCode, Description, Quantity,
  strftime(strptime(InvoiceDate, '%-m/%-d/%Y %-H:%M'), '%Y-%m-%d %H:%M:%S') AS InvoiceDate, UnitPrice, Country AS country`
const types = `{ InvoiceNo: 'VARCHAR', StockCode: 'VARCHAR', Description: 'VARCHAR', Quantity: 'BIGINT', InvoiceDate: 'VARCHAR', UnitPrice: 'DOUBLE',
  CustomerID: 'VARCHAR', Country: 'VARCHAR' }`
const csv = `read_csv(${text(input)}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = ${types})`
const json = `read_json(${text(input)}, format = 'newline_delimited', columns = ${types})`

const statements: Record<string, string> = {
  'csv-to-jsonl': `COPY (${project} FROM ${csv}) TO ${text(output)} (FORMAT json)`,
  'csv-to-parquet': `COPY (${project} FROM ${csv}) TO ${text(output)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)`,
  'csv-to-hours': `COPY (SELECT Country AS country, strftime(date_trunc('hour', strptime(InvoiceDate, '%-m/%-d/%Y %-H:%M')), '%Y-%m-%dT%H:%M:%S.000Z') AS hour,
    count(*) AS lines, sum(Quantity * UnitPrice) AS revenue, count(DISTINCT CustomerID) AS customers FROM ${csv} GROUP BY ALL) TO ${text(output)} (FORMAT json)`,
  'jsonl-to-jsonl': `COPY (${project} FROM ${json}) TO ${text(output)} (FORMAT json)`,
}

const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection = await instance.connect()
await connection.run(statements[job]!)
connection.closeSync()
instance.closeSync()
