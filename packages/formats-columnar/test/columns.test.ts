/**
 * Columns that are easily lost or mixed up (equal names, odd keys, members without an equivalent): read right or
 * refused.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { BadRecord, Row } from '@millrace/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesSource, type ReadOptions } from '../../formats/src/reader.ts'
import { live, schemaOf } from '../../formats/test/csv-read.ts'
import { createParquetReader, inferParquet } from '../src/parquet/read.ts'
import { craft, int32s, runs } from './crafted.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-columns-'))
let db: Awaited<ReturnType<DuckDBInstance['connect']>>
beforeAll(async () => {
  db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
})
afterAll(() => {
  db.closeSync()
  rmSync(folder, { recursive: true })
})
/** A file written by DuckDB with the rows of a query. */
async function duck(select: string): Promise<Buffer> {
  const path = join(folder, 'duck.parquet')
  await db.run(`copy (${select}) to '${path}' (format parquet)`)
  return readFileSync(path)
}

async function read(
  bytes: Uint8Array,
  fields: Record<string, unknown>,
  unknownFields: ReadOptions['unknownFields'] = 'drop',
) {
  const rows: Row[] = []
  const bad: BadRecord[] = []
  const reader = createParquetReader({ schema: schemaOf(fields), unknownFields })
  for await (const piece of reader.read(bytesSource(bytes), undefined, live)) {
    rows.push(...piece.rows)
    bad.push(...(piece.bad ?? []))
  }
  return { rows, bad }
}
async function inferred(bytes: Uint8Array) {
  const notes: string[] = []
  const { fields } = await inferParquet(bytesSource(bytes), (note) => notes.push(note))
  return { fields: Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, type])), notes }
}

describe('two columns with the same name', () => {
  const column = (...values: number[]) => ({ pages: [{ bytes: int32s(...values), values: values.length }] })
  const ints = (...names: string[]) => names.map((name) => ({ name, type: 'INT32', repetition: 'required' }) as const)
  const file = craft(ints('a', 'b', 'a'), [column(1), column(2), column(3)], { rows: 1 })

  it('are refused where one of them is read', async () => {
    for (const [fields, unknown] of [
      [{ a: 'integer' }, 'drop'],
      [{ b: 'integer' }, 'keep'],
      [{ a: 'integer', b: 'integer' }, 'error'],
    ] as const)
      await expect(read(file, fields, unknown)).rejects.toMatchObject({
        code: 'duplicate_column',
        message: expect.stringContaining('named a'),
      })
    await expect(inferred(file)).rejects.toMatchObject({ code: 'duplicate_column' })
    expect((await read(file, { b: 'integer' })).rows).toEqual([{ b: 2 }])
  })

  it('are refused in a struct', async () => {
    const schema = [{ name: 's', repetition: 'required', children: 2 } as const, ...ints('a', 'a')]
    const struct = craft(schema, [column(1), column(2)], { rows: 1 })
    for (const type of ['json', { fields: { a: 'integer' } }])
      await expect(read(struct, { s: type })).rejects.toThrow('a struct with two members named a')
    expect(await inferred(struct)).toEqual({ fields: {}, notes: [expect.stringContaining('the column s is left out')] })
  })
})

describe('a map', () => {
  it('with text keys is a JSON object, whatever they are', async () => {
    const bytes = await duck(`select map(['__proto__', 'constructor', '1', ''], [1, 2, 3, null]) m`)
    const [row] = (await read(bytes, { m: 'json' })).rows
    expect(JSON.stringify(row)).toBe('{"m":{"1":3,"__proto__":1,"constructor":2,"":null}}')
    expect((await read(bytes, { m: 'list<json>' })).rows).toMatchObject([
      { m: [{ key: '__proto__', value: 1 }, {}, {}, {}] },
    ])
  })

  it.each([
    ['dates', `date '2024-02-29'`, 'date', '2024-02-29'],
    ['decimals', `1.50::decimal(9,2)`, { kind: 'decimal', precision: 9, scale: 2 }, '1.50'],
    ['instants', `timestamptz '1970-01-01 00:00:01+00'`, { kind: 'fine_timestamp', precision: 6 }, 1_000_000n],
    ['times', `time '08:26:00.5'`, 'time', '08:26:00.5'],
    ['bytes', `'\\x00\\xFF'::blob`, 'bytes', new Uint8Array([0, 255])],
    ['whole numbers', `7::bigint`, 'bigint', 7n],
    ['structs', `{a: 1}`, { kind: 'object' }, { a: 1 }],
  ] as const)('with %s for keys is a list of its entries', async (_what, key, type, value) => {
    const bytes = await duck(`select map([${key}], ['x']) m`)
    const { fields } = await inferred(bytes)
    expect(fields['m']).toMatchObject({
      kind: 'list',
      of: { type: { record: { fields: { key: { type: typeof type === 'string' ? { kind: type } : type } } } } },
    })
    const declared =
      typeof type === 'string'
        ? type
        : { decimal: 'decimal(9,2)', fine_timestamp: 'timestamp(6)', object: 'json' }[type.kind]
    const entries = { list: { fields: { key: declared, value: 'string' } } }
    expect((await read(bytes, { m: entries })).rows).toEqual([{ m: [{ key: value, value: 'x' }] }])
    const { rows } = await read(bytes, { m: 'json' })
    expect(rows).toMatchObject([{ m: [{ value: 'x' }] }])
    expect((await read(bytes, {}, 'keep')).rows).toEqual(rows)
  })

  it('with equal keys is a bad record', async () => {
    const map = [
      { name: 'm', repetition: 'required', children: 1, converted: 1 },
      { name: 'key_value', repetition: 'repeated', children: 2 },
      { name: 'key', type: 'BYTE_ARRAY', repetition: 'required', converted: 0 },
      { name: 'value', type: 'INT32', repetition: 'required' },
    ] as const
    const levels = Buffer.concat([runs([1, 0], [1, 1], [1, 0]), runs([3, 1])])
    const key = Buffer.concat([int32s(1), Buffer.from('k')])
    const file = craft(
      map,
      [
        { pages: [{ bytes: Buffer.concat([levels, key, key, key]), values: 3 }] },
        { pages: [{ bytes: Buffer.concat([levels, int32s(1, 2, 3)]), values: 3 }] },
      ],
      { rows: 2 },
    )
    const { rows, bad } = await read(file, { m: 'json' })
    expect(rows).toEqual([{ m: { k: 3 } }])
    expect(bad).toMatchObject([{ code: 'duplicate_key', field: 'm', position: 0 }])
    expect((await read(file, { m: 'list<json>' })).rows[0]).toEqual({
      m: [
        { key: 'k', value: 1 },
        { key: 'k', value: 2 },
      ],
    })
  })
})

it('a field that repeats without being called a list is a list', async () => {
  const schema = [{ name: 'r', type: 'INT32', repetition: 'repeated' }] as const
  const levels = Buffer.concat([runs([1, 0], [1, 1], [2, 0]), runs([2, 1], [1, 0], [1, 1])])
  const file = craft(schema, [{ pages: [{ bytes: Buffer.concat([levels, int32s(1, 2, 3)]), values: 4 }] }], { rows: 3 })
  expect((await inferred(file)).fields).toEqual({
    r: { kind: 'list', of: { type: { kind: 'integer' }, optional: false } },
  })
  for (const type of ['list<integer>', 'json'])
    expect((await read(file, { r: type })).rows).toEqual([{ r: [1, 2] }, { r: [] }, { r: [3] }])
})

describe('what cannot be read', () => {
  it('is refused by name, alone, in a struct, a list or a map, and when it would be kept', async () => {
    for (const [value, told] of [
      [`interval 1 day`, 'INTERVAL'],
      [`{a: 1, t: interval 1 day}`, 'a struct whose member t is FIXED_LEN_BYTE_ARRAY INTERVAL'],
      [`[interval 1 day]`, 'a list of FIXED_LEN_BYTE_ARRAY INTERVAL'],
      [`{a: {b: [{t: interval 1 day}]}}`, 'INTERVAL'],
      [`map(['a'], [interval 1 day])`, 'INTERVAL'],
      [`map([interval 1 day], ['a'])`, 'INTERVAL'],
      [`'{"x":1}'::json::variant`, 'a VARIANT'],
    ] as const) {
      const bytes = await duck(`select 1 i, ${value} v`)
      const what = expect.stringContaining(told)
      await expect(read(bytes, { v: 'json' }), value).rejects.toMatchObject({ code: 'wrong_type', message: what })
      await expect(read(bytes, { i: 'integer' }, 'keep'), value).rejects.toMatchObject({ message: what })
      expect(await inferred(bytes)).toEqual({ fields: { i: { kind: 'integer' } }, notes: [what] })
      expect((await read(bytes, { i: 'integer' })).rows).toEqual([{ i: 1 }])
    }
  })

  it('does not prevent the other members of a struct from being read', async () => {
    const bytes = await duck(`select {a: i, t: interval 1 day} st from range(2) r(i)`)
    expect((await read(bytes, { st: { fields: { a: 'integer' } } })).rows).toEqual([{ st: { a: 0 } }, { st: { a: 1 } }])
    await expect(read(bytes, { st: { fields: { t: 'string' } } })).rejects.toThrow('INTERVAL')
    const { bad } = await read(bytes, { st: { fields: { a: 'integer', more: 'string' } } })
    expect(bad.map(({ bytes: raw }) => Buffer.from(raw).toString())).toEqual(['{"st":{"a":0}}', '{"st":{"a":1}}'])
  })
})
