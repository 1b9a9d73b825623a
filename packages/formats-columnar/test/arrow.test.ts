import { readFileSync } from 'node:fs'
import { parseRecordType, type Push, recordText, type RecordType, type Row } from '@millrace/core'
import * as arrow from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import type { ColumnarOptions } from '../src/columnar-options.ts'
import { createArrowReader, inferArrow } from '../src/arrow/read.ts'
import { arrowWriter, type ArrowWriteOptions } from '../src/arrow/write.ts'
import { bytesSource, type Piece, type ReadOptions } from '../../formats/src/reader.ts'
import { inChunks } from '../../formats/test/csv-read.ts'

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url))
const live = new AbortController().signal

function schemaOf(fields: Record<string, unknown>): RecordType {
  const { type, problems } = parseRecordType({ fields })
  if (problems.length > 0) throw new Error(problems[0]!.message)
  return type
}

async function write(
  schema: RecordType,
  rows: readonly Row[],
  options: ArrowWriteOptions = {},
  size = 1000,
): Promise<Buffer> {
  const writer = (await arrowWriter(schema, options))()
  const parts: Uint8Array[] = []
  for (let i = 0; i < rows.length; i += size) {
    expect(writer.write(rows.slice(i, i + size)).refused).toBeUndefined()
    parts.push(writer.take())
  }
  return Buffer.concat([...parts, writer.finish()])
}

async function read(
  bytes: Uint8Array,
  schema: RecordType,
  more: Partial<ReadOptions> = {},
  from?: Piece['position'],
  chunk = 100_000,
) {
  const found = { rows: [] as Row[], bad: [] as string[], positions: [] as (string | number)[], pieces: [] as Piece[] }
  for await (const piece of createArrowReader({ schema, unknownFields: 'drop', ...more }).read(
    inChunks(bytes, chunk),
    from,
    live,
  )) {
    found.pieces.push(piece)
    found.rows.push(...piece.rows)
    piece.rows.forEach((_, i) => found.positions.push(piece.positionAt(i)))
    for (const { position, code, field, step } of piece.bad ?? [])
      found.bad.push([position, code, field, step].filter((part) => part !== undefined).join(' '))
  }
  return found
}

const every = schemaOf({
  text: 'string?',
  flag: 'boolean?',
  count: 'integer',
  big: 'bigint?',
  real: 'number',
  mid: 'decimal(18,4)?',
  wide: 'decimal(38,10)',
  day: 'date',
  at: 'timestamp?',
  micros: 'timestamp(6)?',
  nanos: 'timestamp(9)',
  clock: 'time?',
  raw: 'bytes?',
  tags: 'list<string?>',
  inner: { fields: { at: 'timestamp', n: 'bigint?', d: 'decimal(9,2)' } },
  any: 'json?',
})
const row = (i: number): Row => ({
  text: i % 7 === 0 ? null : ['', 'plain', 'Köln £', '😀 \u{10FFFF}'][i % 4]! + (i % 3),
  flag: i % 5 === 0 ? null : i % 2 === 0,
  count: (i - 5) * 3602879701896,
  big: i % 4 === 0 ? null : (i % 2 ? 1n : -1n) * (2n ** 63n - 1n - BigInt(i)),
  real: [0, -0, 0.1, 5e-324, -1e308, 123.45][i % 6],
  mid: i % 3 === 0 ? null : `-${i}2345678901.0001`,
  wide: `${i % 2 ? '-' : ''}1234567890123456789012345678.${String(i).padStart(10, '0')}`,
  day: ['0001-01-01', '1969-12-31', '1970-01-01', '2000-02-29', '9999-12-31'][i % 5],
  at: i % 5 === 1 ? null : [-62135596800000, -1, 0, 1291191960123, 253402300799999][i % 5],
  micros: i % 5 === 2 ? null : [-62135596800000000n, -1n, 0n, 1291191960123456n, 253402300799999999n][i % 5],
  nanos: [-(2n ** 63n), -1n, 0n, 1291191960123456789n, 2n ** 63n - 1n][i % 5],
  clock: i % 4 === 0 ? null : ['00:00:00', '08:26:00', '08:26:00.5', '23:59:59.999999'][i % 4],
  raw: i % 6 === 0 ? null : new Uint8Array([i % 256, 0, 255]),
  tags: i % 2 ? [`t${i}`, null] : [],
  inner: { at: i, n: i % 2 ? null : 9007199254740993n, d: '-0.05' },
  any: i % 3 === 0 ? null : { a: [i, null, 'x'] },
})
const rows = Array.from({ length: 2500 }, (_, i) => row(i))

describe.each(['file', 'stream'] as const)('a %s', (layout) => {
  test('returns what was written, however its bytes are split', async () => {
    const bytes = await write(every, rows, { layout }, 333)
    for (const chunk of [37, 100_000]) {
      const back = await read(bytes, every, {}, undefined, chunk)
      expect(back.bad).toEqual([])
      expect(back.rows.map((r) => ({ ...r, raw: r['raw'] && Uint8Array.from(r['raw'] as Uint8Array) }))).toEqual(rows)
      expect(back.positions).toEqual(rows.map((_, i) => i))
    }
  })

  test('matches what the library finds in it, with types that other tools know', async () => {
    const table = arrow.tableFromIPC(await write(every, rows, { layout }))
    expect(table.numRows).toBe(rows.length)
    expect(
      Object.fromEntries(table.schema.fields.map((field) => [field.name, `${field.type}${field.nullable ? '?' : ''}`])),
    ).toEqual({
      text: 'Utf8?',
      flag: 'Bool?',
      count: 'Int64',
      big: 'Int64?',
      real: 'Float64',
      mid: 'Decimal[18e+4]?',
      wide: 'Decimal[38e+10]',
      day: 'Date32<DAY>',
      at: 'Timestamp<MILLISECOND, UTC>?',
      micros: 'Timestamp<MICROSECOND, UTC>?',
      nanos: 'Timestamp<NANOSECOND, UTC>',
      clock: 'Time64<MICROSECOND>?',
      raw: 'Binary?',
      tags: 'List<Utf8>',
      inner: 'Struct<{at:Timestamp<MILLISECOND, UTC>, n:Int64, d:Decimal[9e+2]}>',
      any: 'Utf8?',
    })
    expect([...table.getChild('big')!]).toEqual(rows.map((r) => r['big']))
    expect([...table.getChild('text')!]).toEqual(rows.map((r) => r['text']))
  })

  test('may contain no rows', async () => {
    const bytes = await write(every, [], { layout })
    expect(arrow.tableFromIPC(bytes).schema.fields.length).toBe(16)
    expect((await read(bytes, every)).rows).toEqual([])
  })
})

test('many rows are returned in batches, and reading resumes from every position', async () => {
  const schema = schemaOf({ id: 'integer', name: 'string' })
  const many = Array.from({ length: 21_500 }, (_, id) => ({ id, name: `n${id}` }))
  const bytes = await write(schema, many)
  expect(arrow.tableFromIPC(bytes).batches.map((batch) => batch.numRows)).toEqual([10_000, 10_000, 1500])
  const whole = await read(bytes, schema)
  expect(whole.rows).toEqual(many)
  for (const p of [0, 9, 10, 20, 21]) {
    const rest = await read(bytes, schema, {}, whole.pieces[p]!.position)
    expect(rest.rows[0] ?? null).toEqual(
      many[(whole.positions.indexOf(whole.pieces[p]!.positionAt(whole.pieces[p]!.rows.length - 1)) as number) + 1] ??
        null,
    )
    expect(rest.rows.length).toBe(
      many.length - whole.pieces.slice(0, p + 1).reduce((n, piece) => n + piece.rows.length, 0),
    )
  }
})

test('an unpaired surrogate is refused, and only its row', async () => {
  const schema = schemaOf({ a: 'string' })
  const writer = (await arrowWriter(schema))()
  expect(writer.write([{ a: 'x' }, { a: '\ud800' }, { a: 'y' }]).refused).toMatchObject([
    { index: 1, code: 'bad_text', field: 'a' },
  ])
  expect((await read(writer.finish(), schema)).rows).toEqual([{ a: 'x' }, { a: 'y' }])
})

describe('what others write', () => {
  const ipc = (columns: Record<string, arrow.Vector>): Uint8Array => arrow.tableToIPC(new arrow.Table(columns), 'file')
  const bigints = (type: arrow.DataType, values: bigint[]) =>
    new arrow.Vector([arrow.makeData({ type, data: BigInt64Array.from(values) } as never)])

  test('is read exactly: dictionaries, small and unsigned integers, finer times', async () => {
    const bytes = ipc({
      s: arrow.vectorFromArray(['a', 'b', null, 'a'], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
      i8: arrow.vectorFromArray([-1, 0, null, 127], new arrow.Int8()),
      u32: arrow.vectorFromArray([4_000_000_000, 0, 1, 2], new arrow.Uint32()),
      us: bigints(new arrow.TimestampMicrosecond('UTC'), [1291191960123000n, 0n, -1000n, 1n]),
      sec: bigints(new arrow.TimestampSecond('UTC'), [1291191960n, 0n, 1n, 2n]),
      f: arrow.vectorFromArray([0.5, -0, 1, Number.NaN], new arrow.Float32()),
      list: arrow.vectorFromArray(
        [[1, 2], [], null, [3]],
        new arrow.List(new arrow.Field('item', new arrow.Int32(), true)),
      ),
    })
    const schema = schemaOf({
      s: 'string?',
      i8: 'integer?',
      u32: 'integer',
      us: 'timestamp',
      sec: 'timestamp',
      f: 'number',
      list: 'list<integer>?',
    })
    const back = await read(bytes, schema)
    expect(back.rows).toEqual([
      { s: 'a', i8: -1, u32: 4_000_000_000, us: 1291191960123, sec: 1291191960000, f: 0.5, list: [1, 2] },
      { s: 'b', i8: 0, u32: 0, us: 0, sec: 0, f: -0, list: [] },
      { s: null, i8: null, u32: 1, us: -1, sec: 1000, f: 1, list: null },
    ])
    expect(back.bad).toEqual(['3 out_of_range us'])
    expect((await read(bytes, schemaOf({ f: 'number' }))).bad).toEqual(['3 not_number f'])
  })

  test('unsigned 64-bit integers are decimals, and fit where their values do', async () => {
    const type = new arrow.Uint64()
    const data = BigUint64Array.from([0n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])
    const bytes = ipc({ u: new arrow.Vector([arrow.makeData({ type, data } as never)]) })
    expect(recordText(await inferArrow(bytesSource(bytes), live))).toContain('u: decimal(20,0)')
    const texts = ['0', '9007199254740992', '9223372036854775808', '18446744073709551615']
    expect((await read(bytes, schemaOf({ u: 'decimal(20,0)' }))).rows).toEqual(texts.map((u) => ({ u })))
    const big = await read(bytes, schemaOf({ u: 'bigint' }))
    expect(big.rows).toEqual([{ u: 0n }, { u: 2n ** 53n }])
    expect(big.bad).toEqual(['2 out_of_range u', '3 out_of_range u'])
    expect((await read(bytes, schemaOf({ u: 'integer' }))).rows).toEqual([{ u: 0 }])
  })

  test('NaN and infinity are bad rows, or null where the format says so', async () => {
    const values = [Number.NaN, 1, Number.NEGATIVE_INFINITY]
    const bytes = ipc({ x: arrow.vectorFromArray(values, new arrow.Float64()) })
    const rowsOf = async (type: string, options: ColumnarOptions) => {
      const rows: Row[] = []
      const bad: string[] = []
      const reader = createArrowReader({ schema: schemaOf({ x: type }), unknownFields: 'drop' }, options)
      for await (const piece of reader.read(bytesSource(bytes), undefined, live)) {
        rows.push(...piece.rows)
        for (const { code } of piece.bad ?? []) bad.push(code)
      }
      return [rows.map(({ x }) => x), bad]
    }
    expect(await rowsOf('number?', {})).toEqual([[1], ['not_number', 'not_number']])
    expect(await rowsOf('number?', { non_finite: 'null' })).toEqual([[null, 1, null], []])
    expect(await rowsOf('number', { non_finite: 'null' })).toEqual([[1], ['missing_value', 'missing_value']])
    const list = new arrow.List(new arrow.Field('item', new arrow.Float64(), true))
    const nested = ipc({
      x: arrow.vectorFromArray([1], new arrow.Int32()),
      kept: arrow.vectorFromArray([[1, Number.NaN]], list),
    })
    const reader = createArrowReader(
      { schema: schemaOf({ x: 'integer' }), unknownFields: 'keep' },
      { non_finite: 'null' },
    )
    for await (const piece of reader.read(bytesSource(nested), undefined, live))
      expect([piece.rows, piece.bad?.map(({ code }) => code)]).toEqual([[], ['not_number']])
  })

  test('text that is not UTF-8 is a bad row, never U+FFFD', async () => {
    const bytes = Buffer.from(ipc({ a: arrow.vectorFromArray(['ok', 'xyz', 'fine'], new arrow.Utf8()) }))
    bytes.set([0xa3, 0x35, 0xa3], bytes.indexOf('xyz'))
    const back = await read(bytes, schemaOf({ a: 'string' }))
    expect(back.rows).toEqual([{ a: 'ok' }, { a: 'fine' }])
    expect(back.bad).toEqual(['1 bad_encoding a'])
  })

  test.each(['lz4', 'zstd'])(
    'batches compressed with %s, views, dictionaries and large types are read',
    async (codec) => {
      const bytes = fixture(`pyarrow-${codec}.arrow`)
      const notes: string[] = []
      const type = await inferArrow(bytesSource(bytes), live, (note) => notes.push(note))
      expect(notes).toEqual([
        'the column lv is left out: it has the type Arrow ListView, which cannot be read',
        'the column ree is left out: it has the type Arrow RunEndEncoded, which cannot be read',
      ])
      const { rows } = await read(bytes, type)
      expect(rows.map(({ view }) => view)).toEqual([
        'a',
        null,
        'twelve bytes',
        'thirteen byte',
        'long é text that is in a buffer',
        '',
      ])
      expect(rows.map(({ bytes: value }) => value && Buffer.from(value as Uint8Array).toString())).toEqual([
        'a',
        null,
        'x'.repeat(13),
        'y'.repeat(20),
        '',
        'z',
      ])
      expect(rows.map(({ word }) => word)).toEqual(['x', 'y', null, 'x', 'y', 'x'])
      expect(rows.map(({ big }) => big)).toEqual(['a', 'b', null, 'd', 'e', 'f'])
      expect(rows.map(({ list }) => list)).toEqual([[1], null, [], [1, null, 3], [4], [5]])
      expect(rows.map(({ three }) => three).slice(3, 5)).toEqual([
        [7, 8, 9],
        [1, null, 1],
      ])
      expect(rows.map(({ map }) => map)).toEqual([{ k: 1 }, null, {}, { a: 1, b: null }, { c: 3 }, { d: 4 }])
      expect(rows.map(({ none }) => none)).toEqual([null, null, null, null, null, null])
      expect(type.fields['time']!.type).toEqual({ kind: 'time' })
      expect(new Set(rows.map(({ time }) => time))).toEqual(new Set(['00:00:00.000001']))
      for (const column of ['lv', 'ree'])
        await expect(read(bytes, schemaOf({ [column]: 'json' }))).rejects.toThrow(
          `the column ${column} has the type Arrow`,
        )
      await expect(read(bytes, schemaOf({ big: 'string?' }), { unknownFields: 'keep' })).rejects.toThrow(
        'cannot be kept',
      )
    },
  )

  test('what Polars writes is read, including its texts and categories', async () => {
    const bytes = fixture('polars.arrow')
    const type = await inferArrow(bytesSource(bytes), live)
    const rows = [
      { id: 1n, name: 'Ada', cat: 'x' },
      { id: 2n, name: null, cat: 'y' },
      { id: 3n, name: 'a name that is longer than twelve bytes', cat: 'x' },
    ]
    expect((await read(bytes, type)).rows).toEqual(rows)
    const kept = await read(bytes, schemaOf({ id: 'bigint' }), { unknownFields: 'keep' })
    expect(kept.rows).toEqual(rows)
  })
})

test('columns, names and dates pushed down', async () => {
  const schema = schemaOf({ id: 'integer', when: 'string?' })
  const bytes = await write(schema, [
    { id: 1, when: '12/1/2010 8:26' },
    { id: 2, when: null },
    { id: 3, when: 'x' },
  ])
  const push: Push = {
    columns: [
      { name: 'at', from: 'when', date: { step: 'dates', formats: ['M/d/yyyy H:mm'], zone: 'UTC' } },
      { name: 'n', from: 'id' },
    ],
  }
  const back = await read(bytes, schema, { push })
  expect(back.rows).toEqual([
    { at: 1291191960000, n: 1 },
    { at: null, n: 2 },
  ])
  expect(back.bad).toEqual(['2 bad_date when dates'])
})

test('a file that is not Arrow, or cut off, is refused', async () => {
  const schema = schemaOf({ id: 'integer' })
  const file = await write(schema, [{ id: 1 }, { id: 2 }])
  const stream = await write(schema, [{ id: 1 }, { id: 2 }], { layout: 'stream' })
  for (const broken of [
    Buffer.from('no arrow at all, but some text'),
    Buffer.alloc(0),
    file.subarray(0, -100),
    file.subarray(0, 300),
    stream.subarray(0, -20),
  ])
    await expect(read(broken, schema)).rejects.toMatchObject({ code: 'broken_file' })
})

test('the types of a file are inferred', async () => {
  const { fields } = await inferArrow(bytesSource(await write(every, [])), live)
  expect(fields).toMatchObject({
    text: { type: { kind: 'string' } },
    wide: { type: { kind: 'decimal', scale: 10 } },
    at: { type: { kind: 'timestamp' } },
    tags: { type: { kind: 'list' } },
  })
})
