/**
 * What the contestants read. With MILLRACE_DATA, the real Online Retail file (541,909 rows, ISO-8859-1), otherwise
 * generated rows of the same shapes; everything is unpacked into the git-ignored `out/bench/input` and kept for the
 * next run. Three forms: the file as it is, a UTF-8 copy for DuckDB, and JSON lines made from it.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { retailChunks, retailSample } from '../packages/testkit/src/retail.ts'

const realRows = 541_909
const realSha256 = 'd07aec9960083af2339975a3f9d3b26313b342dcd9f86cce0b919b1cde639a44'

export interface Inputs {
  /** One sentence for the report. */
  readonly origin: string
  readonly rows: number
  /** ISO-8859-1, CRLF. */
  readonly csv: string
  readonly csvUtf8: string
  readonly jsonl: string
  /** Ten records, to time the start. */
  readonly tenRows: string
}

/** Makes what is missing. `rows` smaller than the real file's means generated rows. */
export async function prepareInputs(folder: string, rows = realRows): Promise<Inputs> {
  const real =
    process.env['MILLRACE_DATA'] && rows === realRows
      ? join(process.env['MILLRACE_DATA'], 'online-retail.csv.gz')
      : undefined
  const path = (name: string) => join(folder, `${real ? 'real' : `generated-${rows}`}${name}`)
  const inputs: Inputs = {
    origin: real
      ? `the real Online Retail file, ${rows} rows`
      : `generated rows of the retail file's shapes, ${rows} (set MILLRACE_DATA for the real file)`,
    rows,
    csv: path('.csv'),
    csvUtf8: path('.utf8.csv'),
    jsonl: path('.jsonl'),
    tenRows: path('.ten.csv'),
  }
  const ready = path('.ready')
  if (existsSync(ready)) return inputs
  mkdirSync(folder, { recursive: true })
  if (real) {
    await pipeline(createReadStream(real), createGunzip(), createWriteStream(inputs.csv))
    if ((await sha256(inputs.csv)) !== realSha256)
      throw new Error(`${real} is not the file the benchmarks know: its SHA-256 differs`)
  } else {
    await pipeline(Readable.from(retailChunks({ rows, badDates: 0 })), createWriteStream(inputs.csv))
  }
  await pipeline(createReadStream(inputs.csv), toUtf8(), createWriteStream(inputs.csvUtf8))
  await pipeline(
    createReadStream(inputs.csvUtf8),
    parse({ columns: true }),
    toJsonLine(),
    createWriteStream(inputs.jsonl),
  )
  writeFileSync(inputs.tenRows, retailSample({ rows: 10, badDates: 0 }))
  writeFileSync(ready, '')
  return inputs
}

/** The same records repeated ten times under one header. */
export async function tenfold(csv: string): Promise<string> {
  const made = csv.replace(/\.csv$/, '.tenfold.csv')
  if (existsSync(made)) return made
  const bytes = readFileSync(csv)
  const body = bytes.subarray(bytes.indexOf(10) + 1)
  const out = createWriteStream(`${made}.part`)
  await pipeline(Readable.from([bytes, ...Array<Buffer>(9).fill(body)]), out)
  const { renameSync } = await import('node:fs')
  renameSync(`${made}.part`, made)
  return made
}

/** JSON lines repeated ten times. */
export async function tenfoldLines(jsonl: string): Promise<string> {
  const made = jsonl.replace(/\.jsonl$/, '.tenfold.jsonl')
  if (!existsSync(made)) writeFileSync(made, Buffer.concat(Array<Buffer>(10).fill(readFileSync(jsonl))))
  return made
}

const toUtf8 = () =>
  new Transform({
    transform: (bytes: Buffer, _encoding, done) => done(null, Buffer.from(bytes.toString('latin1'), 'utf8')),
  })

const toJsonLine = () =>
  new Transform({
    writableObjectMode: true,
    transform(row: Record<string, string>, _encoding, done) {
      const { InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country } = row
      const typed = {
        InvoiceNo,
        StockCode,
        Description: Description || null,
        Quantity: Number(Quantity),
        InvoiceDate,
        UnitPrice: Number(UnitPrice),
        CustomerID: CustomerID || null,
        Country,
      }
      done(null, `${JSON.stringify(typed)}\n`)
    },
  })

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
