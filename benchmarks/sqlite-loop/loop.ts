/**
 * CSV to SQLite by hand, on our own CSV reader: what is left is a loop of prepared upserts by record id, a thousand per
 * transaction, durable at each commit. The table is the one that sink-sqlite creates. No checkpoint, no error routing,
 * no accounting; a restart would start over.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Push, RecordType } from '@millrace/core'
import { createCsvReader } from '@millrace/formats'

const [input, output] = process.argv.slice(2) as [string, string]
const text = { type: { kind: 'string' }, optional: false } as const
const optionalText = { type: { kind: 'string' }, optional: true } as const
const schema: RecordType = {
  fields: {
    InvoiceNo: text,
    StockCode: text,
    Description: optionalText,
    Quantity: { type: { kind: 'integer' }, optional: false },
    InvoiceDate: text,
    UnitPrice: { type: { kind: 'number' }, optional: false },
    CustomerID: optionalText,
    Country: text,
  },
}
const date = { step: 'dates', formats: ['M/d/yyyy H:mm'], zone: 'UTC', to: 'yyyy-MM-dd HH:mm:ss' }
const columns: Push['columns'] = [
  { name: 'InvoiceNo', from: 'InvoiceNo' },
  { name: 'StockCode', from: 'StockCode' },
  { name: 'Description', from: 'Description' },
  { name: 'Quantity', from: 'Quantity' },
  { name: 'InvoiceDate', from: 'InvoiceDate', date },
  { name: 'UnitPrice', from: 'UnitPrice' },
  { name: 'country', from: 'Country' },
]

const db = new DatabaseSync(output)
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY')
db.exec('CREATE TABLE items (id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL, record TEXT) STRICT')
const put = db.prepare('INSERT INTO items (id, doc) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc')

const reader = createCsvReader({ encoding: 'latin1' }, { schema, unknownFields: 'drop', push: { columns } })
const file = {
  stream: (from: number) => createReadStream(input, { start: from, highWaterMark: 1 << 18 }),
  slice: async (start: number, end: number) => (await readFile(input)).subarray(start, end),
}
let inTransaction = 0
db.exec('BEGIN')
for await (const { rows, positionAt, bad } of reader.read(file, undefined, new AbortController().signal)) {
  if (bad?.length) throw new Error(bad[0]!.message)
  for (let i = 0; i < rows.length; i++) {
    put.run(`csv-to-sqlite/source/input/real.csv#0123456789abcdef@${positionAt(i)}`, JSON.stringify(rows[i]))
    if (++inTransaction === 1000) {
      db.exec('COMMIT; BEGIN')
      inTransaction = 0
    }
  }
}
db.exec('COMMIT')
db.close()
