/**
 * The same loop to Parquet: rows collected into row groups of 100,000 and passed to hyparquet-writer with Node's own
 * zstd.
 */
import { createReadStream } from 'node:fs'
import { Transform } from 'node:stream'
import { zstdCompressSync } from 'node:zlib'
import { parse } from 'csv-parse'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import { fromCsv } from './invoice.ts'

const [input, output] = process.argv.slice(2) as [string, string]
const toInvoice = new Transform({
  objectMode: true,
  transform(row: Record<string, string>, _encoding, done) {
    try {
      done(null, fromCsv(row))
    } catch (error) {
      done(error as Error)
    }
  },
})
const rows = createReadStream(input)
  .compose(parse({ columns: true, encoding: 'latin1' }))
  .compose(toInvoice)
await parquetWriteRows({
  writer: fileWriter(output),
  rows,
  columns: [
    { name: 'InvoiceNo', type: 'STRING' },
    { name: 'StockCode', type: 'STRING' },
    { name: 'Description', type: 'STRING' },
    { name: 'Quantity', type: 'INT32' },
    { name: 'InvoiceDate', type: 'STRING' },
    { name: 'UnitPrice', type: 'DOUBLE' },
    { name: 'country', type: 'STRING' },
  ],
  rowGroupSize: 100_000,
  codec: 'ZSTD',
  compressors: { ZSTD: zstdCompressSync },
})
