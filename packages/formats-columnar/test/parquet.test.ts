import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parseRecordType, type Push, type RecordType, type Row } from '@millrace/core'
import * as fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createParquetReader, inferParquet } from '../src/parquet/read.ts'
import type { SchemaNode } from '../src/parquet/footer.ts'
import { fileColumn } from '../src/parquet/values.ts'
import { parquetWriter, type ParquetWriteOptions } from '../src/parquet/write.ts'
import { bytesSource, type Piece, type ReadOptions } from '../../formats/src/reader.ts'

const live = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'millrace-parquet-'))
const at = (name: string) => join(folder, name)
let db: Awaited<ReturnType<DuckDBInstance['connect']>>
beforeAll(async () => {
  db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
})
afterAll(() => {
  db.closeSync()
  rmSync(folder, { recursive: true })
})
const query = async (sql: string): Promise<Record<string, unknown>[]> =>
  (await db.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[]

function schemaOf(fields: Record<string, unknown>): RecordType {
  const { type, problems } = parseRecordType({ fields })
  if (problems.length > 0) throw new Error(problems[0]!.message)
  return type
}

async function write(
  schema: RecordType,
  rows: readonly Row[],
  options: ParquetWriteOptions = {},
  size = 1000,
): Promise<Buffer> {
  const writer = (await parquetWriter(schema, options))()
  const parts: Uint8Array[] = []
  for (let i = 0; i < rows.length; i += size) {
    expect(writer.write(rows.slice(i, i + size)).refused).toBeUndefined()
    parts.push(writer.take())
  }
  return Buffer.concat([...parts, writer.finish()])
}

interface Read {
  rows: Row[]
  bad: {
    position: string | number
    code: string
    field?: string | undefined
    step?: string | undefined
    text: string
  }[]
  positions: (string | number)[]
  pieces: Piece[]
}
async function read(
  bytes: Uint8Array,
  schema: RecordType,
  more: Partial<ReadOptions> = {},
  from?: Piece['position'],
): Promise<Read> {
  const found: Read = { rows: [], bad: [], positions: [], pieces: [] }
  for await (const piece of createParquetReader({ schema, unknownFields: 'drop', ...more }, { zone: 'UTC' }).read(
    bytesSource(bytes),
    from,
    live,
  )) {
    found.pieces.push(piece)
    found.rows.push(...piece.rows)
    piece.rows.forEach((_, i) => found.positions.push(piece.positionAt(i)))
    for (const { position, code, field, step, bytes: raw } of piece.bad ?? [])
      found.bad.push({ position, code, field, step, text: Buffer.from(raw).toString() })
  }
  return found
}

const every = schemaOf({
  text: 'string?',
  flag: 'boolean?',
  count: 'integer',
  big: 'bigint?',
  real: 'number',
  small: 'decimal(9,2)',
  mid: 'decimal(18,4)?',
  wide: 'decimal(38,10)',
  day: 'date',
  at: 'timestamp?',
  micros: 'timestamp(6)?',
  nanos: 'timestamp(9)',
  clock: 'time?',
  raw: 'bytes?',
  tags: 'list<string>',
  inner: { fields: { at: 'timestamp', n: 'bigint?' } },
  any: 'json?',
})
const row = (i: number): Row => ({
  text: i % 7 === 0 ? null : ['', 'plain', 'Köln £', '😀 \u{10FFFF}', '\uffff'][i % 5]! + (i % 3),
  flag: i % 5 === 0 ? null : i % 2 === 0,
  count: (i - 5) * 3602879701896,
  big: i % 4 === 0 ? null : (i % 2 ? 1n : -1n) * (2n ** 63n - 1n - BigInt(i)),
  real: [0, -0, 0.1, 5e-324, -1e308, 123.45][i % 6],
  small: `${i % 2 ? '-' : ''}1234567.${String(i % 100).padStart(2, '0')}`,
  mid: i % 3 === 0 ? null : `-${i}2345678901.0001`,
  wide: `${i % 2 ? '-' : ''}1234567890123456789012345678.${String(i).padStart(10, '0')}`,
  day: ['0001-01-01', '1969-12-31', '1970-01-01', '2000-02-29', '2010-12-01', '9999-12-31'][i % 6],
  at: i % 5 === 1 ? null : [-62135596800000, -1, 0, 1291191960123, 253402300799999][i % 5],
  micros: i % 5 === 2 ? null : [-62135596800000000n, -1n, 0n, 1291191960123456n, 253402300799999999n][i % 5],
  nanos: [-9_000_000_000_000_000_001n, -1n, 0n, 1291191960123456789n, 9_000_000_000_000_000_001n][i % 5],
  clock: i % 4 === 0 ? null : ['00:00:00', '08:26:00', '08:26:00.5', '23:59:59.999999'][i % 4],
  raw: i % 6 === 0 ? null : new Uint8Array([i % 256, 0, 255]),
  tags: i % 2 ? [`t${i}`, '"'] : [],
  inner: { at: i, n: i % 2 ? null : 9007199254740993n },
  any: i % 3 === 0 ? null : { a: [i, null, 'x'] },
})
const rows = Array.from({ length: 2500 }, (_, i) => row(i))

describe('what is written', () => {
  test('is read back unchanged, in any compression and row group', async () => {
    for (const options of [
      {},
      { row_group: 700 },
      { compression: 'snappy', row_group: 1000 },
      { compression: 'none', row_group: 1 },
    ] as ParquetWriteOptions[]) {
      const some = options.row_group === 1 ? rows.slice(0, 30) : rows
      const back = await read(await write(every, some, options, 333), every)
      expect(back.bad).toEqual([])
      expect(back.rows).toEqual(some)
      expect(back.positions).toEqual(some.map((_, i) => i))
    }
  })

  test('matches what DuckDB finds in it, with the types that lake tools expect', async () => {
    writeFileSync(at('every.parquet'), await write(every, rows, { row_group: 900 }))
    const types = await query(`describe select * from '${at('every.parquet')}'`)
    expect(Object.fromEntries(types.map((t) => [t['column_name'], t['column_type']]))).toEqual({
      text: 'VARCHAR',
      flag: 'BOOLEAN',
      count: 'BIGINT',
      big: 'BIGINT',
      real: 'DOUBLE',
      small: 'DECIMAL(9,2)',
      mid: 'DECIMAL(18,4)',
      wide: 'DECIMAL(38,10)',
      day: 'DATE',
      at: 'TIMESTAMP WITH TIME ZONE',
      micros: 'TIMESTAMP WITH TIME ZONE',
      nanos: 'TIMESTAMP WITH TIME ZONE',
      clock: 'TIME',
      raw: 'BLOB',
      tags: 'VARCHAR[]',
      inner: 'STRUCT("at" TIMESTAMP WITH TIME ZONE, n BIGINT)',
      any: 'JSON',
    })
    const found = await query(
      `select text, flag, count::varchar count, big::varchar big, real, small::varchar small, mid::varchar mid, wide::varchar wide, day::varchar "day", epoch_ms("at") "at", epoch_us(micros) micros, epoch_ns(nanos) nanos, clock::varchar clock, hex(raw) raw, to_json(tags)::varchar tags, "inner".n::varchar n, epoch_ms("inner"."at") "inner", "any"::varchar "any" from '${at('every.parquet')}'`,
    )
    expect(found.length).toBe(rows.length)
    found.forEach((line, i) => {
      const r = rows[i]!
      expect(line).toEqual({
        ...r,
        count: String(r['count']),
        big: r['big'] === null ? null : String(r['big']),
        at: r['at'] === null ? null : String(r['at']),
        micros: r['micros'] === null ? null : String(r['micros']),
        // DuckDB keeps microseconds of it.
        nanos: String((BigInt.asIntN(64, r['nanos'] as bigint) / 1000n) * 1000n),
        raw:
          r['raw'] === null
            ? null
            : Buffer.from(r['raw'] as Uint8Array)
                .toString('hex')
                .toUpperCase(),
        tags: JSON.stringify(r['tags']),
        inner: String(i),
        n: i % 2 ? null : '9007199254740993',
        any: r['any'] === null ? null : JSON.stringify(r['any']),
      })
    })
  })

  test('has statistics that bound every column, with nulls counted', async () => {
    const stats = await query(
      `select path_in_schema p, stats_min_value lo, stats_max_value hi, stats_null_count null_count from parquet_metadata('${at('every.parquet')}') where row_group_id = 0`,
    )
    const of = Object.fromEntries(stats.map(({ p, lo, hi, null_count }) => [p, [lo, hi, Number(null_count)]]))
    expect(of['text']).toEqual(['0', '😀 \u{10FFFF}2', 129])
    expect(of['count']).toEqual([String(-5 * 3602879701896), String(894 * 3602879701896), 0])
    expect(of['real']).toEqual(['-1e+308', '123.45', 0])
    expect(of['flag']).toEqual(['false', 'true', 180])
    expect(of['day']).toEqual(['0001-01-01', '9999-12-31', 0])
    expect(of['small']).toEqual(['-1234567.99', '1234567.98', 0])
    // DuckDB skips row groups by these bounds: a wrong one would lose rows.
    for (const [column, value] of [
      ['text', "'plain1'"],
      ['count', String(3602879701896)],
      ['day', "date '2000-02-29'"],
      ['wide', "'-1234567890123456789012345678.0000000007'::decimal(38,10)"],
      ['big', '9223372036854775806'],
    ] as const) {
      const n = rows.filter((r) => String(r[column]) === value.replace(/^.*?'(.*)'.*$/, '$1')).length
      expect(n).toBeGreaterThan(0)
      expect(await query(`select count(*) n from '${at('every.parquet')}' where "${column}" = ${value}`)).toEqual([
        { n: String(n) },
      ])
    }
  })

  test('matches what hyparquet finds in it', async () => {
    const bytes = await write(every, rows.slice(0, 50), { row_group: 20 })
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    const found = await parquetReadObjects({ file, compressors: { ZSTD: (page) => zstdDecompressSync(page) } })
    expect(
      found.map((r) => [r['text'] ?? null, r['flag'] ?? null, r['big'] ?? null, r['at']?.getTime() ?? null]),
    ).toEqual(rows.slice(0, 50).map((r) => [r['text'], r['flag'], r['big'], r['at']]))
  })

  test('is the same whether few or most values are distinct', async () => {
    const schema = schemaOf({ name: 'string', n: 'number?', d: 'decimal(20,1)' })
    const various = Array.from({ length: 30_000 }, (_, i) => ({
      name: `name ${(i * 7919) % 29_989}`,
      n: i % 10 ? i / 7 : null,
      d: `${i}.5`,
    }))
    const repeated = Array.from({ length: 30_000 }, (_, i) => ({
      name: `name ${i % 3}`,
      n: i < 29_000 ? null : 1,
      d: '1.5',
    }))
    for (const some of [various, repeated, [...repeated.slice(0, 25_000), ...various]]) {
      writeFileSync(at('various.parquet'), await write(schema, some))
      const [found] = await query(
        `select count(*) n, count(distinct name) different, count(n) ns, sum(d)::varchar d from '${at('various.parquet')}'`,
      )
      const sum = some.reduce((all, { d }) => all + BigInt(d.replace('.', '')), 0n)
      expect(found).toEqual({
        n: String(some.length),
        different: String(new Set(some.map(({ name }) => name)).size),
        ns: String(some.filter(({ n }) => n !== null).length),
        d: `${sum / 10n}.${sum % 10n}`,
      })
      expect((await read(await readFile(at('various.parquet')), schema)).rows).toEqual(some)
    }
  })

  test('supports long values, in several pages', async () => {
    const schema = schemaOf({ text: 'string', raw: 'bytes?' })
    const long = Array.from({ length: 40 }, (_, i) => ({
      text: `${i}`.padEnd(100_000, 'é'),
      raw: i % 3 ? new Uint8Array(50_000).fill(i) : null,
    }))
    const bytes = await write(schema, long, {}, 3)
    expect((await read(bytes, schema)).rows).toEqual(long)
    writeFileSync(at('long.parquet'), bytes)
    expect(await query(`select sum(length(text)) n, sum(octet_length(raw)) b from '${at('long.parquet')}'`)).toEqual([
      { n: '4000000', b: String(26 * 50_000) },
    ])
  })

  test('may contain no rows at all', async () => {
    writeFileSync(at('empty.parquet'), await write(every, []))
    expect(await query(`select count(*) n from '${at('empty.parquet')}'`)).toEqual([{ n: '0' }])
    expect((await read(await readFile(at('empty.parquet')), every)).rows).toEqual([])
  })

  test('never contains a text that UTF-8 cannot represent: that row is refused', async () => {
    const schema = schemaOf({ a: 'string?', b: 'string' })
    const writer = (await parquetWriter(schema))()
    const { refused } = writer.write([
      { a: 'x', b: 'y' },
      { a: '\ud800', b: '\udc00' },
      { a: null, b: '😀' },
      { a: 'z', b: 'half \ud83d' },
    ])
    expect(refused).toMatchObject([
      { index: 1, code: 'bad_text', field: 'a' },
      { index: 3, code: 'bad_text', field: 'b' },
    ])
    expect((await read(writer.finish() as Buffer, schema)).rows).toEqual([
      { a: 'x', b: 'y' },
      { a: null, b: '😀' },
    ])
  })
})

test('integers beyond 2^53 and decimals are exact in every precision', async () => {
  const precisions = [1, 4, 9, 10, 15, 18, 19, 27, 38]
  const schema = schemaOf({
    big: 'bigint',
    ...Object.fromEntries(precisions.map((p) => [`d${p}`, `decimal(${p},${Math.floor(p / 3)})`])),
  })
  const decimal = (p: number) =>
    fc.bigInt({ min: -(10n ** BigInt(p)) + 1n, max: 10n ** BigInt(p) - 1n }).map((n) => {
      const scale = Math.floor(p / 3)
      const digits = String(n < 0n ? -n : n).padStart(scale + 1, '0')
      return `${n < 0n ? '-' : ''}${scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits}`
    })
  const one = fc.record({
    big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ...Object.fromEntries(precisions.map((p) => [`d${p}`, decimal(p)])),
  })
  const some = fc.sample(one, 500) as Row[]
  const bytes = await write(schema, some)
  expect((await read(bytes, schema)).rows).toEqual(some)
  writeFileSync(at('exact.parquet'), bytes)
  expect(
    await query(
      `select big::varchar big, ${precisions.map((p) => `d${p}::varchar d${p}`).join(', ')} from '${at('exact.parquet')}'`,
    ),
  ).toEqual(some.map((r) => ({ ...r, big: String(r['big']) })))
})

describe('what others write', () => {
  test('is read exactly, in the encodings and compressions of DuckDB', async () => {
    const select = (
      u: string,
    ) => `select i::tinyint t, ${u} u, (9007199254740993 + i)::bigint b, i::float f, (i || '.25')::decimal(38,5) d, date '2010-12-01' + i::integer "day",
      timestamptz '2010-12-01 08:26:00+00' + i * interval 1 second z, timestamp '2010-12-01 08:26:00.5' ts, timestamp_ms '2010-12-01 08:26:00.25' ms, timestamp_ns '2010-12-01 08:26:00.125' ns,
      'k' || (i % 3) s, encode('é' || i) raw, i % 2 = 0 "yes", [i, null]::bigint[] "list", {a: i, b: ['x']} st, map {'k': i} "m", '{"x":1}'::json j, ('00000000-0000-0000-0000-00000000000' || (i % 10))::uuid id,
      case when i % 4 = 0 then null else i / 8.0 end::double n from range(100) r(i)`
    const schema = schemaOf({
      t: 'integer',
      u: 'integer',
      b: 'bigint',
      f: 'number',
      d: 'decimal(38,5)',
      day: 'date',
      z: 'timestamp',
      ts: 'timestamp',
      ms: 'timestamp',
      ns: 'timestamp',
      s: 'string',
      raw: 'bytes',
      yes: 'boolean',
      list: 'list<bigint?>',
      st: { fields: { a: 'integer', b: 'list<string>' } },
      m: 'json',
      j: 'json',
      id: 'string',
      n: 'number?',
    })
    const expected = (i: number): Row => ({
      t: i,
      u: i + 4_000_000_000,
      b: 9007199254740993n + BigInt(i),
      f: i,
      d: `${i}.25000`,
      day: new Date(Date.UTC(2010, 11, 1 + i)).toISOString().slice(0, 10),
      z: 1291191960000 + i * 1000,
      ts: 1291191960500,
      ms: 1291191960250,
      ns: 1291191960125,
      s: `k${i % 3}`,
      raw: Buffer.from(`é${i}`),
      yes: i % 2 === 0,
      list: [BigInt(i), null],
      st: { a: i, b: ['x'] },
      m: { k: String(i) },
      j: { x: 1 },
      id: `00000000-0000-0000-0000-00000000000${i % 10}`,
      n: i % 4 === 0 ? null : i / 8,
    })
    for (const options of [
      'codec snappy',
      'codec zstd, row_group_size 2048, parquet_version v2',
      'codec gzip',
      'codec brotli',
      'codec uncompressed, parquet_version v2',
    ]) {
      await query(
        `copy (${select(options.includes('v2') ? 'i + 4000000000' : '(i + 4000000000)::uinteger')}) to '${at('duck.parquet')}' (format parquet, ${options})`,
      )
      const back = await read(await readFile(at('duck.parquet')), schema)
      expect(back.bad).toEqual([])
      expect(back.rows.map((r) => ({ ...r, raw: Buffer.from(r['raw'] as Uint8Array) }))).toEqual(
        Array.from({ length: 100 }, (_, i) => expected(i)),
      )
    }
  })

  test('is refused where a value would lose something, row by row', async () => {
    await query(`copy (select i, timestamp '2010-12-01 08:26:00' + i * interval 500 microsecond ts, (18446744073709551613 + i)::ubigint u, 9007199254740990 + i safe, if(i = 1, 'nan', '1')::double n, (i || '.05')::decimal(9,2) d
      from range(3) r(i)) to '${at('lossy.parquet')}' (format parquet)`)
    const bytes = await readFile(at('lossy.parquet'))
    const codes = async (fields: Record<string, unknown>) =>
      (await read(bytes, schemaOf({ i: 'integer', ...fields }))).bad.map(
        ({ position, code, field }) => `${position} ${code} ${field}`,
      )
    expect(await codes({ ts: 'timestamp' })).toEqual(['1 out_of_range ts'])
    expect(await codes({ u: 'bigint' })).toEqual(['0 out_of_range u', '1 out_of_range u', '2 out_of_range u'])
    expect(await codes({ safe: 'integer' })).toEqual(['2 out_of_range safe'])
    expect(await codes({ safe: 'bigint' })).toEqual([])
    expect(await codes({ n: 'number' })).toEqual(['1 not_number n'])
    expect(await codes({ d: 'decimal(9,1)' })).toEqual(['0 out_of_range d', '1 out_of_range d', '2 out_of_range d'])
    expect(await codes({ d: 'decimal(12,3)' })).toEqual([])
    const { bad } = await read(bytes, schemaOf({ i: 'integer', safe: 'integer' }))
    expect(bad[0]!.text).toBe('{"i":2,"safe":"9007199254740992"}')
    expect(
      createParquetReader({ schema: schemaOf({ i: 'bigint', safe: 'bigint' }), unknownFields: 'drop' }).decode!(
        Buffer.from(bad[0]!.text),
        undefined,
      ),
    ).toEqual({ i: 2n, safe: 9007199254740992n })
  })

  test('unsigned deltas are read, however many bits they have', async () => {
    await query(
      `copy (select (i * 42949672)::uinteger u, (4294967295 - i * 3)::uinteger w, i from range(100) r(i)) to '${at('deltas.parquet')}' (format parquet, parquet_version v2)`,
    )
    const bytes = await readFile(at('deltas.parquet'))
    expect((await read(bytes, schemaOf({ u: 'integer', w: 'integer' }))).rows).toEqual(
      Array.from({ length: 100 }, (_, i) => ({ u: i * 42949672, w: 4294967295 - i * 3 })),
    )
  })

  test('text that is not UTF-8 is a bad row, never U+FFFD', async () => {
    const bytes = await write(schemaOf({ a: 'bytes', b: 'integer' }), [
      { a: Buffer.from('ok'), b: 1 },
      { a: Buffer.from([0xa3, 0x35]), b: 2 },
    ])
    const back = await read(bytes, schemaOf({ a: 'string', b: 'integer' }))
    expect(back.rows).toEqual([{ a: 'ok', b: 1 }])
    expect(back.bad).toMatchObject([{ position: 1, code: 'bad_encoding', field: 'a' }])
  })

  test('old timestamps of 96 bits and times of day', () => {
    const of = (node: Partial<SchemaNode>) =>
      fileColumn({
        name: 'x',
        type: undefined,
        length: 0,
        repetition: 'OPTIONAL',
        meaning: {},
        children: [],
        definition: 1,
        repeats: 0,
        firstLeaf: 0,
        endLeaf: 1,
        ...node,
      })
    expect(of({ type: 'INT96' }).natural).toEqual({ kind: 'fine_timestamp', precision: 9 })
    expect(of({ type: 'INT96' }).read(1291191960123_000_001n)).toBe(1291191960123_000_001n)
    expect(() => of({ type: 'INT96' }).read(2n ** 63n)).toThrow(expect.objectContaining({ code: 'out_of_range' }))
    const time = (unit: 'MILLIS' | 'MICROS' | 'NANOS', raw: number | bigint) => {
      const { natural, read } = of({ type: unit === 'MILLIS' ? 'INT32' : 'INT64', meaning: { kind: 'TIME', unit } })
      expect(natural).toEqual({ kind: 'time' })
      return read(raw)
    }
    expect([time('MILLIS', 30_360_500), time('MICROS', 1n), time('NANOS', 86_399_999_999_000n)]).toEqual([
      '08:26:00.5',
      '00:00:00.000001',
      '23:59:59.999999',
    ])
    for (const [unit, raw] of [
      ['NANOS', 1n],
      ['MICROS', 86_400_000_000n],
      ['MICROS', -1n],
    ] as const)
      expect(() => time(unit, raw)).toThrow(expect.objectContaining({ code: 'out_of_range' }))
    expect(
      of({ type: 'FIXED_LEN_BYTE_ARRAY', length: 2, meaning: { kind: 'FLOAT16' } }).read(Buffer.from([0x00, 0xc1])),
    ).toBe(-2.5)
  })
})

describe('columns and the schema', () => {
  const schema = schemaOf({ id: 'integer', name: 'string?', when: 'string?' })
  const table = Array.from({ length: 2300 }, (_, id) => ({
    id,
    name: `n${id % 10}`,
    when: id % 3 ? '12/1/2010 8:26' : null,
  }))

  test('reading resumes from every position', async () => {
    const bytes = await write(schema, table, { row_group: 1200 })
    const whole = await read(bytes, schema)
    expect(whole.pieces.map((piece) => piece.position)).toEqual([
      { group: 0, row: 1000 },
      { group: 0, row: 1200 },
      { group: 1, row: 1000 },
      { group: 1, row: 1100 },
    ])
    for (const [p, piece] of whole.pieces.entries()) {
      const before = whole.pieces.slice(0, p + 1).reduce((n, { rows: some }) => n + some.length, 0)
      const rest = await read(bytes, schema, {}, piece.position)
      expect(rest.rows).toEqual(table.slice(before))
      expect(rest.positions).toEqual(table.slice(before).map((r) => r.id))
    }
  })

  test('columns, names and dates pushed down', async () => {
    const bytes = await write(schema, [...table.slice(0, 3), { id: 3, name: 'x', when: '31/12/2010' }])
    const push: Push = {
      columns: [
        {
          name: 'at',
          from: 'when',
          date: { step: 'dates', formats: ['M/d/yyyy H:mm'], zone: 'UTC', field: 'when', order: 0 },
        },
        { name: 'number', from: 'id' },
      ],
    }
    const back = await read(bytes, schema, { push })
    expect(back.rows).toEqual([
      { at: null, number: 0 },
      { at: 1291191960000, number: 1 },
      { at: 1291191960000, number: 2 },
    ])
    expect(back.bad).toMatchObject([
      { position: 3, code: 'bad_date', field: 'when', step: 'dates', text: '{"id":3,"name":"x","when":"31/12/2010"}' },
    ])
  })

  test('columns that the schema does not name are dropped, refused or kept; missing ones are null where allowed', async () => {
    const bytes = await write(schema, table.slice(1, 2))
    const less = schemaOf({ id: 'integer', more: 'string?' })
    expect((await read(bytes, less)).rows).toEqual([{ id: 1, more: null }])
    expect((await read(bytes, less, { unknownFields: 'keep' })).rows).toEqual([
      { id: 1, more: null, name: 'n1', when: '12/1/2010 8:26' },
    ])
    await expect(read(bytes, less, { unknownFields: 'error' })).rejects.toMatchObject({
      code: 'unknown_field',
      message: expect.stringContaining('name, when'),
    })
    await expect(read(bytes, schemaOf({ id: 'integer', more: 'string' }))).rejects.toMatchObject({
      code: 'missing_column',
      message: expect.stringContaining('more'),
    })
  })

  test('a type that never fits is refused, and the one that would fit is named', async () => {
    const bytes = await write(schema, table.slice(0, 1))
    await expect(read(bytes, schemaOf({ id: 'boolean' }))).rejects.toMatchObject({
      code: 'wrong_type',
      hint: expect.stringContaining('bigint'),
    })
  })

  test('text is read as the declared type', async () => {
    const bytes = await write(schemaOf({ a: 'string', b: 'string' }), [
      { a: '12', b: '2010-12-01T08:26:00Z' },
      { a: 'x', b: '' },
    ])
    const back = await read(bytes, schemaOf({ a: 'integer', b: 'timestamp' }))
    expect(back.rows).toEqual([{ a: 12, b: 1291191960000 }])
    expect(back.bad).toMatchObject([{ position: 1, code: 'not_integer', field: 'a' }])
  })

  test('the types of a file are inferred', async () => {
    expect((await inferParquet(bytesSource(await write(every, [])))).fields).toMatchObject({
      text: { type: { kind: 'string' } },
      count: { type: { kind: 'bigint' } },
      wide: { type: { kind: 'decimal', precision: 38, scale: 10 } },
      at: { type: { kind: 'timestamp' } },
      tags: { type: { kind: 'list', of: { type: { kind: 'string' }, optional: false } } },
    })
  })

  test('a file that is not Parquet, or cut off, is refused', async () => {
    const bytes = await write(schema, table)
    for (const broken of [
      Buffer.from('no parquet at all'),
      Buffer.alloc(0),
      bytes.subarray(0, -100),
      bytes.subarray(100),
    ])
      await expect(read(broken, schema)).rejects.toMatchObject({ code: 'broken_file' })
  })
})

test('the same is written and read without generated code', async () => {
  vi.stubEnv('MILLRACE_CODEGEN', 'off')
  vi.resetModules()
  const twin = { ...(await import('../src/parquet/write.ts')), ...(await import('../src/parquet/read.ts')) }
  vi.unstubAllEnvs()
  const writer = (await twin.parquetWriter(every))()
  writer.write(rows)
  const bytes = writer.finish()
  expect(Buffer.compare(bytes, await write(every, rows, {}, rows.length))).toBe(0)
  const found: Row[] = []
  for await (const piece of twin
    .createParquetReader({ schema: every, unknownFields: 'drop' })
    .read(bytesSource(bytes), undefined, live))
    found.push(...piece.rows)
  expect(found).toEqual(rows)
})
