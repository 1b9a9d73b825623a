/**
 * Files in both directions between pyarrow and this package. Python may be elsewhere: MILLRACE_PYTHON. To install:
 * `python3 -m venv .services/pyarrow && .services/pyarrow/bin/pip install pyarrow==26.0.1`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Field, mapValues, microsOfTime, parseRecordType, type RecordType, type Row } from '@millrace/core'
import { afterAll, describe, expect, test } from 'vitest'
import { bytesSource } from '../../formats/src/reader.ts'
import { fileReadFormats } from '../src/index.ts'
import { inferArrow } from '../src/arrow/read.ts'
import { arrowWriter } from '../src/arrow/write.ts'
import { inferParquet } from '../src/parquet/read.ts'
import { parquetWriter } from '../src/parquet/write.ts'

const own = join(import.meta.dirname, '../../../.services/pyarrow/bin/python')
const python = process.env['MILLRACE_PYTHON'] ?? (existsSync(own) ? own : 'python3')
const isThere = spawnSync(python, ['-c', 'import pyarrow']).status === 0
if (!isThere) console.warn(`SKIPPED: ${python} has no pyarrow; the head of pyarrow.test.ts says how to install it`)

const live = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'millrace-pyarrow-'))
afterAll(() => rmSync(folder, { recursive: true }))
const run = (...args: string[]): string =>
  execFileSync(python, [join(import.meta.dirname, 'pyarrow/files.py'), ...args], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })

/** A value in the form of files.py. */
function canonical({ type }: Field, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'integer':
    case 'bigint':
      return String(value as number | bigint)
    case 'timestamp':
      return String(BigInt(value as number) * 1_000_000n)
    case 'fine_timestamp':
      return String((value as bigint) * (type.precision === 6 ? 1000n : 1n))
    case 'time':
      return String(microsOfTime(value as string))
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('hex')
    case 'list':
      return (value as unknown[]).map((item) => canonical(type.of, item))
    case 'map':
      return mapValues(value as Row, (item) => canonical(type.of, item))
    case 'object':
      return canonicalRow(type.record, value as Row)
    default:
      return value
  }
}
const canonicalRow = (record: RecordType, row: Row): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record.fields).map(([name, field]) => [name, canonical(field, row[name])]))

async function readAll(bytes: Uint8Array, type: 'parquet' | 'arrow', schema: RecordType): Promise<Row[]> {
  const { reader } = fileReadFormats.open({ type }, { schema, unknownFields: 'error' })
  const rows: Row[] = []
  for await (const piece of reader.read(bytesSource(bytes), undefined, live)) {
    expect(piece.bad).toBeUndefined()
    rows.push(...piece.rows)
  }
  return rows
}

describe.skipIf(!isThere)('pyarrow', () => {
  test('writes files that are read exactly, in all codecs, encodings and page versions', {
    timeout: 120_000,
  }, async () => {
    run('write', folder)
    const expected: unknown = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
    const files = readdirSync(folder).filter((name) => /\.(parquet|arrow)$/.test(name))
    expect(files.length).toBe(6 * 2 * 3 + 3)
    for (const name of files) {
      const bytes = readFileSync(join(folder, name))
      const type = name.endsWith('.parquet') ? 'parquet' : 'arrow'
      const left: string[] = []
      const note = (message: string) => void left.push(message)
      const schema = await (type === 'parquet'
        ? inferParquet(bytesSource(bytes), note)
        : inferArrow(bytesSource(bytes), live, note))
      expect([name, left]).toEqual([name, []])
      const rows = (await readAll(bytes, type, schema)).map((row) => canonicalRow(schema, row))
      expect([name, rows]).toEqual([name, expected])
    }
  })

  const { type: every, problems } = parseRecordType({
    fields: {
      text: 'string?',
      flag: 'boolean?',
      count: 'integer',
      big: 'bigint?',
      real: 'number?',
      small: 'decimal(9,2)',
      mid: 'decimal(18,4)?',
      wide: 'decimal(38,10)',
      day: 'date',
      at: 'timestamp?',
      micros: 'timestamp(6)?',
      nanos: 'timestamp(9)',
      clock: 'time?',
      raw: 'bytes?',
      tags: 'list<string?>?',
      rates: 'map<decimal(9,2)?>?',
      nested: 'map<list<map<timestamp>>>',
      lines: { list: { fields: { sku: 'string', prices: 'list<decimal(9,2)>', at: 'timestamp?' } }, optional: true },
    },
  })

  const rows = Array.from(
    { length: 500 },
    (_, i): Row => ({
      text: i % 7 === 0 ? null : ['', 'plain', 'Köln £', '😀'][i % 4]! + (i % 3),
      flag: i % 5 === 0 ? null : i % 2 === 0,
      count: (i - 5) * 3602879701896,
      big: i % 4 === 0 ? null : (i % 2 ? 1n : -1n) * (2n ** 63n - 1n - BigInt(i)),
      real: i % 6 === 0 ? null : [0.1, 5e-324, -1e308, 123.45][i % 4],
      small: `${i % 2 ? '-' : ''}1234567.${String(i % 100).padStart(2, '0')}`,
      mid: i % 3 === 0 ? null : `-${i}2345678901.0001`,
      wide: `${i % 2 ? '-' : ''}1234567890123456789012345678.${String(i).padStart(10, '0')}`,
      day: ['0001-01-01', '1969-12-31', '2000-02-29', '9999-12-31'][i % 4],
      at: i % 5 === 1 ? null : [-62135596800000, -1, 0, 253402300799999][i % 4],
      micros: i % 5 === 2 ? null : [-62135596800000000n, -1n, 1291191960123456n][i % 3],
      nanos: [-9_000_000_000_000_000_001n, -1n, 1291191960123456789n][i % 3],
      clock: i % 4 === 0 ? null : ['00:00:00', '08:26:00.5', '23:59:59.999999'][i % 3],
      raw: i % 6 === 0 ? null : new Uint8Array([i % 256, 0, 255]),
      tags: i % 9 === 0 ? null : i % 2 ? [`t${i}`, null] : [],
      rates: i % 9 === 1 ? null : i % 2 ? { [`r${i % 5}`]: `${i}.50`, __none: null } : {},
      nested: i % 3 ? { '': [{ a: i, b: -1 }, {}], x: [] } : {},
      lines:
        i % 8 === 0
          ? null
          : Array.from({ length: i % 3 }, (_, k) => ({ sku: `${k}`, prices: k ? ['1.50'] : [], at: i })),
    }),
  )

  test.each([
    ['zstd.parquet', () => parquetWriter(every, { row_group: 120 })],
    ['snappy.parquet', () => parquetWriter(every, { compression: 'snappy' })],
    ['none.parquet', () => parquetWriter(every, { compression: 'none' })],
    ['own.arrow', () => arrowWriter(every)],
  ])('reads what is written exactly: %s', async (name, make) => {
    expect(problems).toEqual([])
    const writer = (await make())()
    const parts: Uint8Array[] = []
    for (let i = 0; i < rows.length; i += 90) {
      expect(writer.write(rows.slice(i, i + 90)).refused).toBeUndefined()
      parts.push(Buffer.from(writer.take()))
    }
    writeFileSync(join(folder, name), Buffer.concat([...parts, writer.finish()]))
    const read: unknown = JSON.parse(run('read', join(folder, name)))
    expect(read).toEqual(rows.map((row) => canonicalRow(every, row)))
  })
})
