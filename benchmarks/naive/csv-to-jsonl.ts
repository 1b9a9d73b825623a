/**
 * CSV to JSON lines as a good engineer writes it in an hour: csv-parse, an object per row, streams with backpressure.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { fromCsv } from './invoice.ts'

const [input, output] = process.argv.slice(2) as [string, string]
const toLine = new Transform({
  writableObjectMode: true,
  transform(row: Record<string, string>, _encoding, done) {
    try {
      done(null, `${JSON.stringify(fromCsv(row))}\n`)
    } catch (error) {
      done(error as Error)
    }
  },
})
await pipeline(createReadStream(input), parse({ columns: true, encoding: 'latin1' }), toLine, createWriteStream(output))
