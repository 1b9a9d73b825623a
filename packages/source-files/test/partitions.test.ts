/** Fields that folders tell: `region=007/day=2024-02-29/rows.parquet`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Batch, type Env, freshRead, isBatch, type Push, type Row } from '@millrace/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { live, schemaOf } from '../../formats/test/csv-read.ts'
import { fileWriteFormats } from '../../formats-columnar/src/formats.ts'
import { sourceFiles } from '../src/index.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-partitions-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const env = (): Env => ({
  root,
  home: root,
  profile: 'local',
  pipeline: 'p',
  id: 'source',
  resolve: (path) => resolve(root, path),
})
const put = (path: string, content: string | Uint8Array) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}
async function parquet(fields: Record<string, unknown>, rows: Row[]): Promise<Uint8Array> {
  const writer = (await fileWriteFormats.prepare({ type: 'parquet' }, schemaOf(fields)))()
  writer.write(rows)
  return writer.finish()
}

async function read(path: string, fields: Record<string, unknown>, push?: Push) {
  const options = { path, after_read: 'keep' } as never
  const ctx = { ...env(), schema: schemaOf(fields), unknownFields: 'drop' as const, ...(push ? { push } : {}) }
  const batches: Batch[] = []
  for await (const batch of sourceFiles.create(options, ctx).read(freshRead(live)))
    if (isBatch(batch)) batches.push(batch)
  return { batches, rows: batches.flatMap((batch) => batch.rows), decode: sourceFiles.decoder!(options, ctx) }
}

const fields = { id: 'integer', region: 'string?', day: 'date?' }

it('folders tell the fields that files lack, with their types', async () => {
  put('d/region=007/day=2024-02-29/a.parquet', await parquet({ id: 'integer' }, [{ id: 1 }, { id: 2 }]))
  put('d/region=a%2Fb%25/day=__HIVE_DEFAULT_PARTITION__/b.jsonl', '{"id":3}\n')
  put('d/region=100%/day=2024-03-01/c.csv', 'id\n4\n')
  const rows = [
    { id: 1, region: '007', day: '2024-02-29' },
    { id: 2, region: '007', day: '2024-02-29' },
    { id: 4, region: '100%', day: '2024-03-01' },
    { id: 3, region: 'a/b%', day: null },
  ]
  expect((await read('d', fields)).rows).toEqual(rows)
  expect((await read('d/region=007/day=2024-02-29/a.parquet', fields)).rows).toEqual(rows.slice(0, 2))
  expect((await read('d', { id: 'integer' })).rows.map(({ id }) => id)).toEqual([1, 2, 4, 3])
})

it('records are decoded again with what their folders told', async () => {
  put('d/region=x/a.csv', 'id\n1\n')
  put('d/region=y/b.jsonl', '{"id":2}\n')
  for (const [path, row] of [
    ['d/region=x', { id: 1, region: 'x', day: null }],
    ['d/region=y', { id: 2, region: 'y', day: null }],
  ] as const) {
    const { batches, decode } = await read(path, path.endsWith('x') ? { id: 'integer', region: 'string?' } : fields)
    const batch = batches.find(({ rows }) => rows.length > 0)!
    const { day: _, ...plain } = row
    expect(decode(batch.rawAt!(0) as Uint8Array, batch.context)).toEqual(path.endsWith('x') ? plain : row)
  }
})

it('what is pushed down is found in folders too', async () => {
  put('d/day=12%2F1%2F2010/a.csv', 'id\n1\n')
  const push: Push = {
    columns: [
      { name: 'at', from: 'day', date: { step: 'dates', formats: ['M/d/yyyy'], zone: 'UTC' } },
      { name: 'n', from: 'id' },
      { name: 'text', from: 'day' },
    ],
  }
  expect((await read('d', { id: 'integer', day: 'string' }, push)).rows).toEqual([
    { at: Date.UTC(2010, 11, 1), n: 1, text: '12/1/2010' },
  ])
})

it('a folder that is no value of its field stops the run with its name', async () => {
  put('d/day=today/a.jsonl', '{"id":1}\n')
  await expect(read('d', fields)).rejects.toMatchObject({
    code: 'wrong_type',
    message: expect.stringContaining('day=today'),
    place: 'd/day=today/a.jsonl',
  })
  put('e/id=__HIVE_DEFAULT_PARTITION__/a.jsonl', '{"region":"x"}\n')
  await expect(read('e', fields)).rejects.toThrow('not optional')
})

it('they are inferred as texts', async () => {
  put('d/region=007/a.parquet', await parquet({ id: 'integer' }, [{ id: 1 }]))
  const { fields: found } = await sourceFiles.infer!({ path: 'd', after_read: 'keep' } as never, env(), live)
  expect(found).toMatchObject({ region: { type: { kind: 'string' }, optional: true } })
})
