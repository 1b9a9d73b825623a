import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdCompressSync } from 'node:zlib'
import { sourceContract } from '@millrace/testkit'

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
const module = new URL('../src/index.ts', import.meta.url)

// JSON lines, with bad records of several kinds.
sourceContract({
  module,
  type: 'files',
  positions: new URL('positions.json', import.meta.url),
  setup({ root }) {
    writeFileSync(
      join(root, 'in.jsonl'),
      `${lines(0, 3500)}{"id":1\n{"id":1.5,"at":"x","price":"1"}\n${JSON.stringify({ ...rows[0], at: 'x' })}\n`,
    )
    return {
      options: { path: 'in.jsonl', after_read: 'keep' },
      schema,
      push,
      condition,
      rows: [...rows, { ...rows[0], at: 'x' }],
      bad: [{ code: 'bad_json' }, { code: 'not_integer', field: 'id' }],
    }
  },
})

// Parquet and Arrow: the same rows in files written once, since the hashes in released positions are of their bytes.
for (const [type, fixture] of [
  ['parquet', readFileSync(new URL('fixtures/rows.parquet', import.meta.url))],
  ['arrow', gunzipSync(readFileSync(new URL('fixtures/rows.arrow.gz', import.meta.url)))],
] as const) {
  sourceContract({
    module,
    type: 'files',
    positions: new URL(`positions-${type}.json`, import.meta.url),
    setup({ root }) {
      writeFileSync(join(root, `in.${type}`), fixture)
      return { options: { path: `in.${type}`, after_read: 'keep' }, schema, rows, push, condition }
    },
  })
}

// A folder of all formats, by their names.
sourceContract({
  module,
  type: 'files',
  positions: new URL('positions-folder.json', import.meta.url),
  setup({ root }) {
    mkdirSync(join(root, 'in/deep'), { recursive: true })
    const cell = (text: string | null) => (text === null ? '' : `"${text.replaceAll('"', '""')}"`)
    writeFileSync(
      join(root, 'in/a.csv'),
      `id,name,at,price\n${rows
        .slice(0, 1200)
        .map(({ id, name, at, price }) => `${id},${cell(name)},${at},${price}\n`)
        .join('')}`,
    )
    writeFileSync(join(root, 'in/b.json'), JSON.stringify(rows.slice(1200, 2400), null, 1))
    writeFileSync(join(root, 'in/deep/c.jsonl.zst'), zstdCompressSync(lines(2400, 3500)))
    writeFileSync(join(root, 'in/readme.md'), 'no data')
    return { options: { path: 'in', after_read: 'keep' }, schema, rows, push, condition }
  },
})

// A folder of JSON lines and Parquet that is watched: it does not end.
sourceContract({
  module,
  type: 'files',
  positions: new URL('positions-watch.json', import.meta.url),
  setup({ root }) {
    mkdirSync(join(root, 'in'))
    writeFileSync(join(root, 'in/a.jsonl'), lines(0, 3500))
    writeFileSync(join(root, 'in/b.parquet'), readFileSync(new URL('fixtures/rows.parquet', import.meta.url)))
    return { options: { path: 'in', after_read: 'keep', watch: 50 }, schema, rows: [...rows, ...rows], push, condition }
  },
})
