import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { freshRead, isBatch, type Env, recordText, type Row, type SourceDefinition } from '@millrace/core'
import { fileReadFormats, fileWriteFormats } from '@millrace/formats-columnar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import definitions from '../src/index.ts'

const definition = definitions[0] as SourceDefinition
const live = new AbortController().signal
let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-source-files-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
const env = (): Env => ({
  root,
  home: join(root, '.millrace/local'),
  profile: 'local',
  pipeline: 'p',
  id: 's',
  resolve: (path) => resolve(root, path),
})
const schema = { fields: { a: { type: { kind: 'integer' }, optional: false } } } as const

async function read(options: object): Promise<Row[]> {
  const source = definition.create({ after_read: 'keep', ...options }, { ...env(), schema, unknownFields: 'drop' })
  const rows: Row[] = []
  for await (const batch of source.read(freshRead(live))) if (isBatch(batch)) rows.push(...batch.rows)
  return rows
}
async function columnar(type: 'parquet' | 'arrow', rows: Row[]): Promise<Uint8Array> {
  const writer = (await fileWriteFormats.prepare({ type }, schema))()
  writer.write(rows)
  return Buffer.concat([Buffer.from(writer.take()), writer.finish()])
}
const check = (options: object) => definition.check!({ after_read: 'keep', ...options }, env())

describe('source files', () => {
  it('reads each file in the format that its name says, or in the one that is given', async () => {
    writeFileSync(join(root, 'a.csv'), 'a\n1\n')
    writeFileSync(join(root, 'b.ndjson.gz'), gzipSync('{"a":2}\n'))
    writeFileSync(join(root, 'c.json'), '[{"a":3}]')
    writeFileSync(join(root, 'c.parquet'), await columnar('parquet', [{ a: 5 }, { a: 6 }]))
    writeFileSync(join(root, 'b.arrow'), await columnar('arrow', [{ a: 7 }]))
    writeFileSync(join(root, 'd.dat'), 'a;b\n4;x\n')
    expect(await read({ path: ['a.csv', 'b.ndjson.gz', 'c.json'] })).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
    expect(await read({ path: '.' })).toEqual([{ a: 1 }, { a: 7 }, { a: 2 }, { a: 3 }, { a: 5 }, { a: 6 }])
    for (const path of ['c.parquet', 'b.arrow'])
      expect(recordText(await definition.infer!({ path, after_read: 'keep' }, env(), live))).toMatch(
        /^{ a: bigint\?? }$/,
      )
    expect(await read({ path: 'd.dat', format: { type: 'csv', delimiter: ';', quote: undefined } })).toEqual([{ a: 4 }])
    expect(await read({ path: '.', format: 'csv' })).toEqual([{ a: 1 }])
    await expect(read({ path: 'd.*' })).rejects.toMatchObject({ code: 'unknown_format', exitCode: 2 })
  })

  it('finds before it reads what cannot be told or does not belong together', () => {
    expect(check({ path: ['a.csv', 'in', 'in/*', 'x.y/z', 'b.json.gz'] })).toEqual([])
    expect(check({ path: 'in', watch: 10_000 })).toEqual([])
    expect(definition.capabilities({ path: 'in', watch: 10_000 })).toMatchObject({ bounded: false })
    expect(check({ path: 'in', watch: 0 })).toMatchObject([{ code: 'bad_value', at: ['watch'] }])
    expect(check({ path: '-', format: 'jsonl', watch: 1 })).toMatchObject([{ code: 'bad_value', at: ['watch'] }])
    expect(check({ path: 'a.dat' })).toMatchObject([{ code: 'missing_key', at: ['path'] }])
    expect(check({ path: '-' })).toMatchObject([{ code: 'missing_key', at: ['path'] }])
    expect(check({ path: '-', format: 'jsonl' })).toEqual([])
    expect(check({ path: ['a.parquet', 'b.parquet.gz'] })).toMatchObject([
      { code: 'bad_value', message: expect.stringContaining('b.parquet.gz') },
    ])
    expect(check({ path: '-', format: 'parquet' })).toMatchObject([{ code: 'bad_value', at: ['path'] }])
    expect(check({ path: 'a', format: { type: 'jsonl', delimiter: ';' } })).toMatchObject([
      { code: 'unknown_key', at: ['format', 'delimiter'] },
    ])
    expect(check({ path: 'a', format: { type: 'csv', delimiter: ';;' } })).toMatchObject([
      { code: 'bad_value', at: ['format', 'delimiter'] },
    ])
  })

  it('infers types from what the first file holds', async () => {
    const objects = [
      {
        n: 1,
        x: 1,
        s: 'a',
        day: '2024-02-29',
        at: '2010-12-01T08:26:00Z',
        t: true,
        tags: ['a'],
        o: { k: 1, l: null },
        any: 1,
        none: null,
      },
      {
        n: 2,
        x: 1.5,
        s: '2024-02-29',
        day: '2024-03-01',
        at: '2010-12-01T08:26:00Z',
        t: false,
        tags: [],
        o: { k: 2 },
        any: 'x',
      },
    ]
    const expected =
      '{ n: integer, x: number, s: string, day: date, at: timestamp, t: boolean, tags: list<string>, o: { k: integer, l: string? }, any: json, none: string? }'
    writeFileSync(join(root, 'i.jsonl'), objects.map((object) => `${JSON.stringify(object)}\n`).join(''))
    writeFileSync(join(root, 'i.json'), JSON.stringify(objects))
    for (const path of ['i.jsonl', 'i.json'])
      expect(recordText(await definition.infer!({ path, after_read: 'keep' }, env(), live))).toBe(expected)
    writeFileSync(
      join(root, 'ids.jsonl'),
      '{"id":1,"w":1,"o":{"id":[9007199254740993]}}\n{"id":1234567890123456789,"w":12345678901234567890,"o":{"id":[]}}\n',
    )
    expect(recordText(await definition.infer!({ path: 'ids.jsonl', after_read: 'keep' }, env(), live))).toBe(
      '{ id: bigint, w: decimal(38,0), o: { id: list<bigint> } }',
    )
    writeFileSync(join(root, 'bad.jsonl'), '{"a":\n')
    await expect(definition.infer!({ path: 'bad.jsonl', after_read: 'keep' }, env(), live)).rejects.toMatchObject({
      code: 'bad_record',
    })
  })

  it('tells where a record is: file, line and byte of a text, else its number', async () => {
    writeFileSync(join(root, 'p.json'), '[\n{"a":1},\n{"a":2}]')
    writeFileSync(join(root, 'p.parquet'), await columnar('parquet', [{ a: 1 }]))
    const source = definition.create(
      { path: ['p.json', 'p.parquet'], after_read: 'keep' },
      { ...env(), schema, unknownFields: 'drop' },
    )
    const places: string[] = []
    for await (const batch of source.read(freshRead(live)))
      if (isBatch(batch))
        for (const i of batch.rows.keys()) places.push(await source.locate!(batch.split, batch.positionAt(i)))
    expect(places).toEqual(['p.json:2 (byte 2)', 'p.json:3 (byte 11)', 'p.parquet, record 0'])
  })

  it('decodes records of each format again', async () => {
    const decode = definition.decoder!({ path: '.', after_read: 'keep' }, { ...env(), schema, unknownFields: 'drop' })
    const rows = [{ a: 5 }, { a: 6 }]
    mkdirSync(join(root, 'each'))
    for (const ending of fileReadFormats.endings()) {
      const type = fileReadFormats.named(`x${ending}`)!
      const writer = (await fileWriteFormats.prepare({ type }, schema))()
      writer.write(rows)
      writeFileSync(join(root, 'each', `x${ending}`), Buffer.concat([Buffer.from(writer.take()), writer.finish()]))
      const options = { path: `each/x${ending}`, after_read: 'keep' }
      const source = definition.create(options, { ...env(), schema, unknownFields: 'drop' })
      const again: Row[] = []
      for await (const batch of source.read(freshRead(live)))
        if (isBatch(batch)) for (const i of batch.rows.keys()) again.push(decode(batch.rawAt!(i), batch.context))
      expect([ending, again]).toEqual([ending, rows])
    }
  })
})
