/**
 * Integers beyond 2^53 and decimals, from one format to the next: they arrive unchanged or are refused, never rounded.
 */
import { parseRecordType, type RecordType, type Row } from '@millrace/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createArrowReader } from '../src/arrow/read.ts'
import { createCsvReader } from '../../formats/src/csv/reader.ts'
import { type FileWriteFormat, fileWriteFormats } from '../src/formats.ts'
import { createJsonReader } from '../../formats/src/json/array.ts'
import { createJsonLinesReader } from '../../formats/src/json/lines.ts'
import { createParquetReader } from '../src/parquet/read.ts'
import { bytesSource, type ReadOptions, type RecordReader } from '../../formats/src/reader.ts'

const live = new AbortController().signal

function schemaOf(fields: Record<string, unknown>): RecordType {
  const { type, problems } = parseRecordType({ fields })
  if (problems.length > 0) throw new Error(problems[0]!.message)
  return type
}

const readers: Record<FileWriteFormat['type'], (options: ReadOptions) => RecordReader> = {
  csv: (options) => createCsvReader({}, options),
  jsonl: (options) => createJsonLinesReader({}, options),
  json: (options) => createJsonReader({}, options),
  parquet: createParquetReader,
  arrow: createArrowReader,
}

async function write(type: FileWriteFormat['type'], schema: RecordType, rows: readonly Row[]): Promise<Uint8Array> {
  const writer = (await fileWriteFormats.prepare({ type }, schema))()
  expect(writer.write(rows)).toEqual({ taken: rows.length })
  return writer.finish()
}

async function read(type: FileWriteFormat['type'], schema: RecordType, bytes: Uint8Array) {
  const rows: Row[] = []
  const bad: string[] = []
  for await (const piece of readers[type]({ schema, unknownFields: 'error' }).read(
    bytesSource(bytes),
    undefined,
    live,
  )) {
    rows.push(...piece.rows)
    for (const { code, field } of piece.bad ?? []) bad.push(`${code} ${field}`)
  }
  return { rows, bad }
}

const exact = schemaOf({
  id: 'string',
  big: 'bigint?',
  money: 'decimal(38,12)',
  cents: 'decimal(12,2)?',
  whole: 'integer',
})
const chain = ['csv', 'parquet', 'jsonl', 'arrow', 'json', 'parquet', 'csv'] as const

const decimal = (precision: number, scale: number) =>
  fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }).map((n) => {
    const digits = String(n < 0n ? -n : n).padStart(scale + 1, '0')
    return `${n < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  })

test('they are the same after passing through every format', async () => {
  const edges: Row[] = [
    {
      id: 'most',
      big: 2n ** 63n - 1n,
      money: '99999999999999999999999999.999999999999',
      cents: '9999999999.99',
      whole: 9007199254740991,
    },
    {
      id: 'least',
      big: -(2n ** 63n),
      money: '-99999999999999999999999999.999999999999',
      cents: '-0.01',
      whole: -9007199254740991,
    },
    { id: 'odd', big: 9007199254740993n, money: '0.100000000001', cents: null, whole: 0 },
    { id: 'none', big: null, money: '0.000000000000', cents: '0.10', whole: 1 },
  ]
  const random = fc.record({
    id: fc.uuid(),
    big: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    money: decimal(38, 12),
    cents: fc.option(decimal(12, 2)),
    whole: fc.maxSafeInteger().map((n) => n + 0),
  })
  const given: Row[] = [...edges, ...(fc.sample(random, 300) as Row[])]
  let rows = given
  for (const type of chain) {
    const back = await read(type, exact, await write(type, exact, rows))
    expect(back.bad).toEqual([])
    rows = back.rows
  }
  expect(rows).toEqual(given)
})

test('they appear unchanged in the text of a file', async () => {
  const one = [{ id: 'x', big: 9007199254740993n, money: '12345678901234567890.000000000001', cents: '0.10', whole: 1 }]
  expect(Buffer.from(await write('csv', exact, one)).toString()).toContain(
    'x,9007199254740993,12345678901234567890.000000000001,0.10,1',
  )
  expect(Buffer.from(await write('jsonl', exact, one)).toString()).toContain(
    '"big":"9007199254740993","money":"12345678901234567890.000000000001","cents":"0.10"',
  )
})

test('they are refused when read as a type that would round them', async () => {
  const wide = [{ id: 'x', big: 9007199254740993n, money: '0.100000000001', cents: null, whole: 1 }]
  const narrow = schemaOf({
    id: 'string',
    big: 'integer',
    money: 'decimal(38,11)',
    cents: 'decimal(12,2)?',
    whole: 'integer',
  })
  for (const type of ['csv', 'jsonl', 'json', 'parquet', 'arrow'] as const) {
    const { rows, bad } = await read(type, narrow, await write(type, exact, wide))
    expect(rows).toEqual([])
    expect(bad).toHaveLength(1)
  }
})
