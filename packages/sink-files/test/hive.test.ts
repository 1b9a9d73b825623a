/** Folders `key={field}`: what is in them is what DuckDB reads, types and nulls too. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { PartialWriteError, type RecordType, type Row } from '@millrace/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { schemaOf } from '../../formats/test/csv-read.ts'
import { acceptProblems, optionProblems } from '../src/options.ts'
import { makeSink, opening, optionsOf, runAll, type Some, write as put } from './drive.ts'
import { visibleFiles } from './read.ts'

let root: string
let db: Awaited<ReturnType<DuckDBInstance['connect']>>
beforeAll(async () => {
  db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
})
afterAll(() => db.closeSync())
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-hive-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const write = (schema: RecordType, options: Some, rows: readonly Row[]) => runAll(root, schema, options, rows)
const duck = async (sql: string) => (await db.runAndReadAll(sql)).getRowObjectsJson()

const texts = [
  'Köln 東京',
  ' a ',
  '.',
  '..',
  'a/b\\c',
  'a=b',
  '100%25',
  `'"#{}[]^?*:`,
  'x\n\t\u007f',
  '__null__',
  '__empty__',
  '~',
  'a|b<c>',
]

test('texts are read from folders as they were, and null as null', async () => {
  const schema = schemaOf({ id: 'integer', place: 'string?' })
  const rows: Row[] = [...texts, null].map((place, id) => ({ id, place }))
  for (const format of ['parquet', 'jsonl', 'csv']) {
    const path = `out-${format}/place={place}/`
    await write(schema, { path, format }, rows)
    const read = { parquet: 'read_parquet', jsonl: 'read_json', csv: 'read_csv' }[format]
    const found = await duck(
      `select id::integer id, place from ${read}('${root}/out-${format}/**/*.${format}', hive_partitioning = true, hive_types = {place: varchar}) order by id`,
    )
    expect(found).toEqual(rows)
  }
})

test('values of other types are read as those types', async () => {
  const schema = schemaOf({ id: 'integer', yr: 'integer?', day: 'date?', flag: 'boolean?', big: 'bigint?' })
  const rows: Row[] = [
    { id: 1, yr: 2024, day: '2024-02-29', flag: true, big: 2n ** 62n },
    { id: 2, yr: null, day: null, flag: null, big: null },
    { id: 3, yr: -7, day: '1969-12-31', flag: false, big: -1n },
  ]
  await write(schema, { path: 'out/yr={yr}/day={day}/flag={flag}/big={big}/', format: 'parquet' }, rows)
  const types = await duck(`describe select * from read_parquet('${root}/out/**/*.parquet', hive_partitioning = true)`)
  expect(Object.fromEntries(types.map((type) => [type['column_name'], type['column_type']]))).toMatchObject({
    yr: 'BIGINT',
    day: 'DATE',
    big: 'BIGINT',
  })
  const found = await duck(
    `select id::integer id, yr::integer yr, day::varchar "day", flag::boolean flag, big::varchar big from read_parquet('${root}/out/**/*.parquet', hive_partitioning = true) order by id`,
  )
  expect(found).toEqual(rows.map((row) => ({ ...row, big: row['big'] === null ? null : String(row['big']) })))
})

test('the field is left out of the files, unless it is kept or the folder has only a part of it', async () => {
  const schema = schemaOf({ id: 'integer', yr: 'integer', at: 'timestamp' })
  const row = { id: 1, yr: 2024, at: Date.UTC(2024, 11, 31, 23, 30) }
  const columns = async (path: string, more: Some = {}) => {
    await write(schema, { path, format: 'parquet', ...more }, [row])
    const found = await duck(
      `describe select * from read_parquet('${root}/${path.split('/')[0]}/**/*.parquet', hive_partitioning = false)`,
    )
    return found.map((column) => column['column_name'])
  }
  expect(await columns('a/yr={yr}/')).toEqual(['id', 'at'])
  expect(await columns('b/yr={yr}/', { partition_fields: 'keep' })).toEqual(['id', 'yr', 'at'])
  expect(await columns('c/year={yr}/')).toEqual(['id', 'yr', 'at'])
  expect(await columns('d/{yr}/')).toEqual(['id', 'yr', 'at'])
  expect(await columns('e/day={at:yyyy-MM-dd}/', { zone: 'Europe/Berlin' })).toEqual(['id', 'yr', 'at'])
  expect((await visibleFiles(join(root, 'e')))[0]).toMatch(/^day=2025-01-01\//)
  await write(schemaOf({ at: 'timestamp' }), { path: 'f/day={at:yyyy-MM-dd}/', format: 'parquet' }, [row])
  expect((await visibleFiles(join(root, 'f')))[0]).toMatch(/^day=2024-12-31\//)
})

test('what would be read as null, or has no name, is a bad record', async () => {
  const schema = schemaOf({ id: 'integer', place: 'string?' })
  const sink = makeSink(root, schema, { path: 'out/place={place}/' })
  await sink.open!(opening())
  const rows = ['', '__HIVE_DEFAULT_PARTITION__', '\ud800', 'ä'.repeat(200), 'good'].map((place, id) => ({ id, place }))
  const failed = await put(sink, rows).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(PartialWriteError)
  expect((failed as PartialWriteError).failures).toMatchObject([
    { index: 0, code: 'reads_as_null', field: 'place' },
    { index: 1, code: 'reads_as_null', field: 'place' },
    { index: 2, code: 'bad_text', field: 'place' },
    { index: 3, code: 'out_of_range', field: 'place' },
  ])
  await sink.close?.()
})

describe('a path is refused', () => {
  const schema = schemaOf({ a: 'integer', b: 'integer', at: 'timestamp' })
  test.each([
    ['out/b={a}/', 'is read as the field b'],
    ['out/at={at:yyyy}/', 'is read as the field at'],
    ['out/x={a}/x={b}/', 'two folders of the path are called x='],
  ])('%s', (path, message) => {
    expect(acceptProblems(optionsOf({ path }), schema)).toMatchObject([
      { code: 'bad_value', at: ['path'], message: expect.stringContaining(message) },
    ])
  })

  test('whose folders hold all fields', () => {
    expect(
      acceptProblems(optionsOf({ path: 'out/a={a}/', format: 'parquet' }), schemaOf({ a: 'integer' })),
    ).toMatchObject([{ code: 'wrong_type', message: expect.stringContaining('without fields') }])
  })

  test('with an unknown zone', () => {
    expect(optionProblems(optionsOf({ zone: 'Europe/Nowhere' }))).toMatchObject([
      { code: 'unknown_zone', at: ['zone'] },
    ])
  })
})
