import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { compileExpression, type Push, parseRecordType, type RecordType, type Row } from '@millrace/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { withPartitions } from '../../formats/src/partitions.ts'
import { type ByteSource, bytesSource, type Piece, type ReadOptions } from '../../formats/src/reader.ts'
import type { ColumnarOptions } from '../src/columnar-options.ts'
import { createParquetReader } from '../src/parquet/read.ts'
import { parquetWriter } from '../src/parquet/write.ts'

const live = new AbortController().signal

function schemaOf(fields: Record<string, string>): RecordType {
  const { type, problems } = parseRecordType({ fields })
  if (problems.length > 0) throw new Error(problems[0]!.message)
  return type
}

async function written(schema: RecordType, rows: readonly Row[], groupRows: number): Promise<Buffer> {
  const writer = (await parquetWriter(schema, { row_group: groupRows }))()
  for (let i = 0; i < rows.length; i += groupRows) writer.write(rows.slice(i, i + groupRows))
  return Buffer.concat([writer.take(), writer.finish()])
}

const pushed = (schema: RecordType, condition: string): Push => ({
  columns: Object.keys(schema.fields).map((name) => ({ name, from: name })),
  where: { step: 'wanted', condition },
})

interface Read {
  readonly rows: Row[]
  readonly dropped: number
  readonly pieces: Piece[]
}

async function readAll(
  input: ByteSource,
  options: ReadOptions,
  format: ColumnarOptions = {},
  from?: Piece['position'],
): Promise<Read> {
  const pieces: Piece[] = []
  for await (const piece of createParquetReader(options, format).read(input, from, live)) pieces.push(piece)
  return {
    pieces,
    rows: pieces.flatMap(({ rows }) => [...rows]),
    dropped: pieces.flatMap(({ dropped }) => dropped ?? []).reduce((sum, [, n]) => sum + n, 0),
  }
}

const ofType: Record<string, fc.Arbitrary<unknown>> = {
  integer: fc.integer({ min: -9, max: 9 }),
  bigint: fc.bigInt({ min: -9n, max: 9n }),
  number: fc.integer({ min: -9, max: 9 }).map((n) => n / 2),
  'decimal(12,2)': fc.integer({ min: -9, max: 9 }).map((n) => `${n}.50`),
  'decimal(38,2)': fc.integer({ min: 1, max: 9 }).map((n) => `${n}00000000000000000000.25`),
  string: fc.constantFrom('', 'a', 'ab', 'b', 'ä', '\uffff', '\u{10000}', 'x'.repeat(300)),
  date: fc.integer({ min: 10, max: 28 }).map((day) => `1969-12-${day}`),
  time: fc.integer({ min: 10, max: 23 }).map((hour) => `${hour}:00:00`),
  timestamp: fc.integer({ min: -9, max: 9 }),
  'timestamp(6)': fc.bigInt({ min: -9n, max: 9n }),
}
const literal: Record<string, (value: unknown) => string> = {
  integer: String,
  bigint: String,
  number: String,
  'decimal(12,2)': String,
  'decimal(38,2)': String,
  string: (value) => JSON.stringify(value),
  date: (value) => `date("${String(value)}")`,
  time: (value) => `time("${String(value)}")`,
  timestamp: (value) => `timestamp("${new Date(value as number).toISOString()}")`,
  'timestamp(6)': (value) =>
    `timestamp("${new Date(Math.floor(Number(value) / 1000)).toISOString().slice(0, -1)}${String((Number(value) + 1000) % 1000).padStart(3, '0')}Z")`,
}

test.each(Object.keys(ofType))('%s: what is skipped is what the condition drops', async (type) => {
  const schema = schemaOf({ i: 'integer', v: `${type}?` })
  let skipped = 0
  let excluded = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(ofType[type]!, { freq: 5 }), { minLength: 1, maxLength: 30 }),
      ofType[type]!,
      fc.constantFrom('<', '<=', '>', '>=', '=='),
      fc.boolean(),
      async (values, constant, operator, isSorted) => {
        const order = (a: unknown, b: unknown) => (a === null ? 1 : b === null || a! < b! ? -1 : a! > b! ? 1 : 0)
        const all = (isSorted ? values.toSorted(order) : values).map((v, i) => ({ i, v }))
        const condition = `v != null && v ${operator} ${literal[type]!(constant)}`
        const compiled = compileExpression(condition, schema)
        if (!compiled.ok) throw new Error(`${condition}: ${compiled.problems[0]!.message}`)
        const bytes = await written(schema, all, 3)
        const options = { schema, unknownFields: 'drop', push: pushed(schema, condition) } as const
        const found = await readAll(bytesSource(bytes), options)
        const isWanted = (row: Row) => compiled.evaluate(row) === true
        expect(found.rows.filter(isWanted)).toEqual(all.filter(isWanted))
        expect(found.rows.length + found.dropped).toBe(all.length)
        for (let i = 0; i < all.length; i += 3) {
          const n = all.slice(i, i + 3)
          if (!n.some(isWanted)) excluded += n.length
        }
        skipped += found.dropped
        // It continues from every position.
        for (const [k, { position }] of found.pieces.entries()) {
          const rest = await readAll(bytesSource(bytes), options, {}, position)
          expect(rest.rows).toEqual(found.pieces.slice(k + 1).flatMap(({ rows }) => [...rows]))
        }
      },
    ),
    { numRuns: 60 },
  )
  expect(skipped).toBeGreaterThan(excluded / 3)
})

test('only the pages of wanted columns in wanted groups are read', async () => {
  const schema = schemaOf({ i: 'integer', other: 'string', text: 'string' })
  const all = Array.from({ length: 50_000 }, (_, i) => ({ i, other: `o${i * 7919}`, text: `t${i * 104729}` }))
  const bytes = await written(schema, all, 1000)
  let read = 0
  const input: ByteSource = {
    size: bytes.length,
    stream: () => {
      throw new Error('not used')
    },
    slice(start, end) {
      read += end - start
      return Promise.resolve(bytes.subarray(start, end))
    },
  }
  const narrow = schemaOf({ i: 'integer', text: 'string' })
  const whole = await readAll(input, { schema: narrow, unknownFields: 'drop' })
  const all2 = read
  read = 0
  const some = await readAll(input, {
    schema: narrow,
    unknownFields: 'drop',
    push: pushed(narrow, 'i >= 20000 && i < 25000'),
  })
  expect(some.rows).toEqual(whole.rows.slice(20_000, 25_000))
  expect(some.dropped).toBe(45_000)
  const footer = bytes.readUInt32LE(bytes.length - 8)
  expect(read - footer).toBeLessThan(((all2 - footer) / 10) * 1.2)
})

test('a group with a null that must be reported is read', async () => {
  const bytes = await written(schemaOf({ v: 'integer?' }), [{ v: 1 }, { v: null }, { v: 2 }], 2)
  const schema = schemaOf({ v: 'integer' })
  const { pieces, dropped } = await readAll(bytesSource(bytes), {
    schema,
    unknownFields: 'drop',
    push: pushed(schema, 'v > 5'),
  })
  expect(dropped).toBe(1)
  expect(pieces.flatMap(({ bad }) => bad ?? []).map(({ code }) => code)).toEqual(['missing_value'])
})

test('a column that the file lacks is null: nothing is read', async () => {
  const bytes = await written(schemaOf({ v: 'integer' }), [{ v: 1 }, { v: 2 }], 1)
  const schema = schemaOf({ v: 'integer', w: 'integer?' })
  const options = { schema, unknownFields: 'drop', push: pushed(schema, 'w != null && w > 5') } as const
  expect(await readAll(bytesSource(bytes), options)).toMatchObject({ rows: [], dropped: 2 })
})

test('times of a clock that is set back are not taken for ordered', async () => {
  // 02:30 summer time is earlier than 02:15 winter time, though its clock shows more.
  const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-skip-'))
  const path = join(folder, 'clock.parquet')
  await db.run(`copy (select timestamp '2024-10-27 02:30:00' v) to '${path}' (format parquet)`)
  db.closeSync()
  const bytes = await readFile(path)
  rmSync(folder, { recursive: true })
  const schema = schemaOf({ v: 'timestamp' })
  const push = pushed(schema, 'v > timestamp("2030-01-01T00:00:00Z")')
  const dropped = async (zone: string) =>
    (await readAll(bytesSource(bytes), { schema, unknownFields: 'drop', push }, { zone, fold: 'earlier' })).dropped
  expect(await dropped('UTC')).toBe(1)
  expect(await dropped('Europe/Berlin')).toBe(0)
})

test("what other writers' statistics say is understood", async () => {
  const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-skip-'))
  const path = join(folder, 'duck.parquet')
  await db.run(`copy (select i::integer i, (i // 2048)::bigint b, (i / 4096)::double x, ('k' || lpad(i::text, 6, '0')) t,
    date '2024-01-01' + (i // 2048)::integer d, (i // 2048)::utinyint u, (i / 100)::decimal(20, 2) m,
    timestamptz '2024-01-01 00:00:00+00' + interval (i) second s from range(20480) r(i)) to '${path}' (format parquet, row_group_size 2048)`)
  db.closeSync()
  const bytes = await readFile(path)
  rmSync(folder, { recursive: true })
  const schema = schemaOf({
    i: 'integer?',
    b: 'integer?',
    x: 'number?',
    t: 'string?',
    d: 'date?',
    u: 'integer?',
    m: 'decimal(20,2)?',
    s: 'timestamp?',
  })
  const whole = await readAll(bytesSource(bytes), { schema, unknownFields: 'drop' })
  expect(whole.rows).toHaveLength(20_480)
  for (const condition of [
    'i < 2048',
    'b == 3',
    'x >= 4.5',
    't == "k004000"',
    'd == date("2024-01-04")',
    'u in [0, 9]',
    'm < 20.48',
    's < timestamp("2024-01-01T00:30:00Z")',
  ]) {
    const text = `${condition[0]} != null && ${condition}`
    const compiled = compileExpression(text, schema)
    if (!compiled.ok) throw new Error(compiled.problems[0]!.message)
    const isWanted = (row: Row) => compiled.evaluate(row) === true
    const some = await readAll(bytesSource(bytes), { schema, unknownFields: 'drop', push: pushed(schema, text) })
    expect(some.rows.filter(isWanted), condition).toEqual(whole.rows.filter(isWanted))
    expect(some.dropped, condition).toBeGreaterThanOrEqual(2048 * 7)
    expect(some.rows.length + some.dropped).toBe(20_480)
  }
})

test('a file in a folder that the condition excludes is not read', async () => {
  const bytes = await written(schemaOf({ v: 'integer' }), [{ v: 1 }, { v: 2 }], 1)
  const schema = schemaOf({ v: 'integer', day: 'date?', region: 'string' })
  const push = pushed(schema, 'day != null && day >= date("2024-02-01") && v < 2')
  const read = { schema, unknownFields: 'drop', push } as const
  const readIn = async (day: string | null) => {
    const format = withPartitions(read, { day, region: 'eu' }, (inner) => ({
      type: 'parquet',
      reader: createParquetReader(inner),
    }))
    const pieces: Piece[] = []
    for await (const piece of format.reader.read(bytesSource(bytes), undefined, live)) pieces.push(piece)
    return [pieces.flatMap(({ rows }) => [...rows]), pieces.flatMap(({ dropped }) => dropped ?? [])]
  }
  expect(await readIn('2024-01-31')).toEqual([
    [],
    [
      ['wanted', 1],
      ['wanted', 1],
    ],
  ])
  expect(await readIn(null)).toEqual([
    [],
    [
      ['wanted', 1],
      ['wanted', 1],
    ],
  ])
  expect(await readIn('2024-02-01')).toEqual([[{ v: 1, day: '2024-02-01', region: 'eu' }], [['wanted', 1]]])
})
