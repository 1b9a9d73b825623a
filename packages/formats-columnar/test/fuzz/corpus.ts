/** Sound files of every format that is read, from our own writers, from DuckDB, and as other tools wrote them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import type { RecordType, Row } from '@millrace/core'
import { type ByteSource, bytesSource, decompress } from '../../../formats/src/index.ts'
import { live, schemaOf } from '../../../formats/test/csv-read.ts'
import { arrowWriter } from '../../src/arrow/write.ts'
import { inferArrow } from '../../src/arrow/read.ts'
import { type FileReadFormat, fileReadFormats } from '../../src/formats.ts'
import { inferParquet } from '../../src/parquet/read.ts'
import { parquetWriter } from '../../src/parquet/write.ts'

export interface Sound {
  readonly name: string
  readonly bytes: Buffer
  readonly format: FileReadFormat
  readonly schema: RecordType
  /** The range that holds its values. */
  readonly values: readonly [from: number, to: number]
  open(bytes: Buffer): ByteSource
}

const schema = schemaOf({
  id: 'integer',
  name: 'string?',
  big: 'bigint?',
  x: 'number?',
  flag: 'boolean?',
  d: 'decimal(20,2)?',
  day: 'date?',
  at: 'timestamp?',
  raw: 'bytes?',
  any: 'json?',
})
const rows = Array.from(
  { length: 150 },
  (_, i): Row => ({
    id: i,
    name: i % 7 ? `näme ${i % 11}` : null,
    big: i % 5 ? BigInt(i) * 9007199254740993n : null,
    x: i % 3 ? i / 7 : null,
    flag: i % 4 ? i % 2 === 0 : null,
    d: i % 6 ? `${i}.25` : null,
    day: i % 8 ? '2024-02-29' : null,
    at: i % 9 ? 1700000000000 + i : null,
    raw: i % 10 ? new Uint8Array([i, 0, 255]) : null,
    any: i % 11 ? { a: [i, null] } : null,
  }),
)

const text = {
  csv: `id,name,x\n${Array.from({ length: 100 }, (_, i) => `${i},"n ""${i}""",${i / 7}\r\n`).join('')}`,
  jsonl: Array.from({ length: 100 }, (_, i) => `{"id":${i},"name":"n\\u00e9 ${i}","x":${i / 7}}\n`).join(''),
  json: `[${Array.from({ length: 100 }, (_, i) => `{"id":${i},"name":"n","x":${i / 7}}`).join(',')}]`,
}
const textSchema = schemaOf({ id: 'integer', name: 'string?', x: 'number?' })

/** A source that can only be read in order. */
const inOrder = (bytes: Buffer, compression: 'gzip' | 'zstd'): ByteSource => ({
  stream: (_from, signal) => decompress(bytesSource(bytes).stream(0, signal), compression, signal),
  slice: () => Promise.reject(new Error('there is no random access')),
})

async function written(make: typeof parquetWriter | typeof arrowWriter, options: object): Promise<Buffer> {
  const writer = (await make(schema, options))()
  writer.write(rows)
  return Buffer.from(writer.finish() as Uint8Array)
}

const columns = `i, 'name ' || (i % 9) s, 'long text ' || i t, case when i % 5 = 0 then null else i * 1000003 end::bigint b, i / 8 x, i % 2 = 0 f,
  date '2024-01-01' + i::integer d, [i, null, i + 1] l, {a: i, b: ['x', null]} st, map([i], ['v']) m, (i || '.5')::decimal(30,3) de, (i * 7)::uinteger u`

/** Every sound file. */
export async function corpus(): Promise<Sound[]> {
  const sound: Sound[] = []
  const add = async (name: string, type: FileReadFormat['type'], bytes: Buffer, own?: Partial<Sound>) => {
    const source = bytesSource(bytes)
    const found =
      own?.schema ??
      (type === 'parquet' ? await inferParquet(source) : type === 'arrow' ? await inferArrow(source, live) : textSchema)
    const footer = type === 'parquet' ? bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8) : bytes.length
    sound.push({ name, bytes, format: { type }, schema: found, values: [4, footer], open: bytesSource, ...own })
  }
  for (const compression of ['none', 'snappy', 'zstd'])
    await add(`parquet ${compression}`, 'parquet', await written(parquetWriter, { compression, row_group: 100 }))
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
  const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  for (const options of [
    'codec uncompressed',
    'codec uncompressed, parquet_version v2',
    'codec gzip',
    'codec brotli, parquet_version v2',
    'codec lz4_raw',
  ]) {
    const path = join(folder, 'duck.parquet')
    await db.run(`copy (select ${columns} from range(200) r(i)) to '${path}' (format parquet, ${options})`)
    await add(`parquet by DuckDB, ${options}`, 'parquet', readFileSync(path))
  }
  db.closeSync()
  rmSync(folder, { recursive: true })
  for (const layout of ['file', 'stream'])
    await add(`arrow ${layout}`, 'arrow', await written(arrowWriter, { layout }), { schema })
  for (const name of ['pyarrow-lz4', 'pyarrow-zstd', 'polars'])
    await add(`arrow, ${name}`, 'arrow', readFileSync(new URL(`../fixtures/${name}.arrow`, import.meta.url)))
  for (const [type, all] of Object.entries(text) as ['csv' | 'jsonl' | 'json', string][]) {
    const bytes = Buffer.from(all)
    await add(type, type, bytes)
    if (type === 'csv') await add('csv.gz', type, gzipSync(bytes), { open: (packed) => inOrder(packed, 'gzip') })
    if (type === 'jsonl')
      await add('jsonl.zst', type, zstdCompressSync(bytes), { open: (packed) => inOrder(packed, 'zstd') })
  }
  return sound
}

/** The reader of a sound file's format. */
export const readerOf = ({ format, schema: type }: Sound) =>
  fileReadFormats.open(format, { schema: type, unknownFields: 'keep' }).reader
