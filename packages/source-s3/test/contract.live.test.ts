import { readFileSync } from 'node:fs'
import { gunzipSync, zstdCompressSync } from 'node:zlib'
import { liveUrl, sourceContract, type SourceSubject } from '@millrace/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { bucketsAt, connection } from './stand-in.ts'

const url = liveUrl('S3')
const buckets = bucketsAt(url ?? 'http://127.0.0.1:1')
let bucket: string
let places = 0

const schema = {
  fields: {
    id: { type: { kind: 'integer' }, optional: false },
    name: { type: { kind: 'string' }, optional: true },
    at: { type: { kind: 'string' }, optional: false },
    price: { type: { kind: 'decimal', precision: 8, scale: 2 }, optional: false },
  },
} as const
const rows = Array.from({ length: 3500 }, (_, i) => ({
  id: i,
  name: i % 5 ? `says "£${i}",\nand more` : null,
  at: `${1 + (i % 12)}/1/2010 8:26`,
  price: `${i}.50`,
}))
const condition = 'id >= 300 && id < 400'
const push = {
  columns: [
    {
      name: 'when',
      from: 'at',
      date: { step: 'dates', formats: ['M/d/yyyy H:mm'], zone: 'UTC', to: 'yyyy-MM-dd HH:mm:ss' },
    },
    { name: 'id', from: 'id' },
    { name: 'amount', from: 'price' },
  ],
}
const lines = (from: number, to: number) =>
  rows
    .slice(from, to)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('')
const fixture = (name: string) => readFileSync(new URL(`../../source-files/test/fixtures/${name}`, import.meta.url))
const cell = (text: string | null) => (text === null ? '' : `"${text.replaceAll('"', '""')}"`)
const csv = `id,name,at,price\n${rows
  .slice(0, 1200)
  .map(({ id, name, at, price }) => `${id},${cell(name)},${at},${price}\n`)
  .join('')}`
const half = { ...rows[0], at: 'x' }

/** Objects by key, the path to read, and what comes out. */
const cases: {
  readonly what: string
  readonly objects: Readonly<Record<string, string | Uint8Array>>
  readonly path: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly rows: readonly object[]
  readonly bad?: NonNullable<Awaited<ReturnType<SourceSubject['setup']>>['bad']>
}[] = [
  {
    what: 'JSON lines, with bad records of several kinds',
    objects: {
      'in.jsonl': `${lines(0, 3500)}{"id":1\n{"id":1.5,"at":"x","price":"1"}\n${JSON.stringify(half)}\n`,
    },
    path: 'in.jsonl',
    rows: [...rows, half],
    bad: [{ code: 'bad_json' }, { code: 'not_integer', field: 'id' }],
  },
  { what: 'Parquet', objects: { 'in.parquet': fixture('rows.parquet') }, path: 'in.parquet', rows },
  { what: 'Arrow', objects: { 'in.arrow': gunzipSync(fixture('rows.arrow.gz')) }, path: 'in.arrow', rows },
  {
    what: 'a folder of all formats, by their names',
    objects: {
      'in/a.csv': csv,
      'in/b.json': JSON.stringify(rows.slice(1200, 2400), null, 1),
      'in/deep/c.jsonl.zst': zstdCompressSync(lines(2400, 3500)),
      'in/readme.md': 'no data',
      'in/_hidden/d.csv': 'no data',
    },
    path: 'in/',
    rows,
  },
  {
    what: 'a folder that is watched',
    objects: { 'in/a.jsonl': lines(0, 3500), 'in/b.parquet': fixture('rows.parquet') },
    path: 'in/',
    options: { watch: 50 },
    rows: [...rows, ...rows],
  },
]

describe.skipIf(!url)('on the stand-in', () => {
  beforeAll(async () => {
    bucket = await buckets.create()
  })
  afterAll(() => buckets.drop(bucket))
  for (const { objects, path, options, ...told } of cases) {
    const root = `case-${places++}/`
    sourceContract({
      module: new URL('../src/index.ts', import.meta.url),
      type: 's3',
      positions: new URL(`positions-${places}.json`, import.meta.url),
      async setup() {
        for (const [key, body] of Object.entries(objects)) await buckets.put(bucket, root + key, body)
        return {
          options: { ...connection(url!), bucket, path: root + path, after_read: 'keep', ...options },
          schema,
          push,
          condition,
          ...told,
        } as Awaited<ReturnType<SourceSubject['setup']>>
      },
    })
  }
})
