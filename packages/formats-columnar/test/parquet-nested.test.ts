import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Field, type RecordType, type Row, type Type, toJson } from '@millrace/core'
import * as fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource } from '../../formats/src/reader.ts'
import type { RefusedRow } from '../../formats/src/writer.ts'
import { createParquetReader } from '../src/parquet/read.ts'
import { parquetWriter } from '../src/parquet/write.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-nested-'))
/** A new name each time, since DuckDB remembers what it has read. */
let files = 0
function saved(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.parquet`)
  writeFileSync(path, bytes)
  return path
}
let db: Awaited<ReturnType<DuckDBInstance['connect']>>
beforeAll(async () => {
  db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
})
afterAll(() => {
  db.closeSync()
  rmSync(folder, { recursive: true })
})
const query = async (sql: string): Promise<unknown[][]> => (await db.runAndReadAll(sql)).getRowsJson() as unknown[][]

/** `size`: rows that are handed over at a time. */
async function write(
  schema: RecordType,
  rows: readonly Row[],
  size = 100,
  refused: RefusedRow[] = [],
): Promise<Buffer> {
  const writer = (await parquetWriter(schema, { row_group: 70, compression: 'snappy' }))()
  const parts: Uint8Array[] = []
  for (let i = 0; i < rows.length; i += size) {
    for (const one of writer.write(rows.slice(i, i + size)).refused ?? [])
      refused.push({ ...one, index: i + one.index })
    parts.push(writer.take())
  }
  return Buffer.concat([...parts, writer.finish()])
}

async function read(bytes: Uint8Array, schema: RecordType): Promise<Row[]> {
  const rows: Row[] = []
  const reader = createParquetReader({ schema, unknownFields: 'error' })
  for await (const piece of reader.read(bytesSource(bytes), undefined, new AbortController().signal)) {
    expect(piece.bad).toBeUndefined()
    rows.push(...piece.rows)
  }
  return rows
}

// --- random types and values

const leaf: fc.Arbitrary<Type> = fc.constantFrom<Type>({ kind: 'integer' }, { kind: 'string' }, { kind: 'boolean' })
const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'list', 'element', 'constructor', 'key'), {
  minLength: 1,
  maxLength: 3,
})
const { field } = fc.letrec<{ field: Field; type: Type }>((tie) => ({
  field: fc.record({ type: tie('type'), optional: fc.boolean() }),
  type: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    tie('field').map((of): Type => ({ kind: 'list', of: of as Field })),
    tie('field').map((of): Type => ({ kind: 'map', of: of as Field })),
    names.chain((keys) =>
      fc.tuple(...keys.map(() => tie('field'))).map(
        (fields): Type => ({
          kind: 'object',
          record: { fields: Object.fromEntries(keys.map((key, k) => [key, fields[k] as Field])) },
        }),
      ),
    ),
  ),
}))

function valueOf({ type, optional }: Field): fc.Arbitrary<unknown> {
  const value = (): fc.Arbitrary<unknown> => {
    switch (type.kind) {
      case 'list':
        return fc.array(valueOf(type.of), { maxLength: 3 })
      case 'map':
        return fc.dictionary(fc.constantFrom('', 'k', '10', 'é', 'constructor'), valueOf(type.of), {
          maxKeys: 3,
          noNullPrototype: true,
        })
      case 'object':
        return fc.record(Object.fromEntries(Object.entries(type.record.fields).map(([key, f]) => [key, valueOf(f)])))
      case 'integer':
        return fc.integer({ min: -2, max: 2 })
      case 'boolean':
        return fc.boolean()
      default:
        return fc.constantFrom('', 'x', 'é')
    }
  }
  return optional ? fc.option(value(), { nil: null, freq: 3 }) : value()
}

const cases = field.chain((one) =>
  fc.record({
    schema: fc.constant<RecordType>({ fields: { id: { type: { kind: 'integer' }, optional: false }, value: one } }),
    values: fc.array(valueOf(one), { maxLength: 200 }),
    size: fc.integer({ min: 1, max: 90 }),
  }),
)

/** As JavaScript objects with a prototype, and without the key order of fast-check. */
const plain = (rows: readonly Row[]): unknown => JSON.parse(JSON.stringify(rows))

/** The same without members that are null: hyparquet leaves some out. */
const present = (rows: readonly Row[]): unknown =>
  JSON.parse(
    JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : (value ?? undefined))),
  )

describe('lists and objects as groups', () => {
  test('random ones are read back by this reader, hyparquet and DuckDB', async () => {
    let nested = 0
    await fc.assert(
      fc.asyncProperty(cases, async ({ schema, values, size }) => {
        const rows = values.map((value, id) => ({ id, value }))
        const bytes = await write(schema, rows, size)
        expect(plain(await read(bytes, schema))).toEqual(plain(rows))
        const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
        const theirs = await parquetReadObjects({ file: own })
        expect(present(theirs)).toEqual(present(rows))
        const found = await query(`SELECT to_json("value")::VARCHAR FROM read_parquet('${saved(bytes)}') ORDER BY id`)
        expect(found.map(([text]) => (text === null ? null : JSON.parse(text as string)))).toEqual(
          plain(values as Row[]),
        )
        if (['list', 'map', 'object'].includes(schema.fields['value']!.type.kind)) nested++
      }),
      { numRuns: 150 },
    )
    expect(nested).toBeGreaterThan(50)
  })

  const item: Type = {
    kind: 'object',
    record: {
      fields: {
        sku: { type: { kind: 'string' }, optional: false },
        prices: {
          type: { kind: 'list', of: { type: { kind: 'decimal', precision: 9, scale: 2 }, optional: true } },
          optional: true,
        },
        extra: { type: { kind: 'json' }, optional: true },
      },
    },
  }
  const order: RecordType = {
    fields: {
      id: { type: { kind: 'integer' }, optional: false },
      lines: { type: { kind: 'list', of: { type: item, optional: false } }, optional: true },
      none: { type: { kind: 'object', record: { fields: {} } }, optional: true },
      kept: {
        type: {
          kind: 'object',
          record: { fields: { a: { type: { kind: 'integer' }, optional: true } }, open: true },
        },
        optional: true,
      },
    },
  }

  test('have the types that other engines know; objects that cannot be groups are JSON', async () => {
    const rows = [
      { id: 1, lines: [{ sku: 'a', prices: ['1.00', null], extra: { x: 1 } }], none: {}, kept: { a: 1, more: 2 } },
      { id: 2, lines: [], none: null, kept: null },
      { id: 3, lines: null, none: null, kept: null },
    ]
    const file = saved(await write(order, rows))
    expect(
      await query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${file}'))`),
    ).toEqual([
      ['id', 'BIGINT'],
      ['lines', 'STRUCT(sku VARCHAR, prices DECIMAL(9,2)[], extra JSON)[]'],
      ['none', 'JSON'],
      ['kept', 'JSON'],
    ])
    expect(await query(`SELECT sum(len(lines)), any_value(kept->>'more') FROM read_parquet('${file}')`)).toEqual([
      ['1', '2'],
    ])
    const back = await read(await write(order, rows), order)
    expect(toJson({ kind: 'list', of: { type: { kind: 'object', record: order }, optional: false } })(back)).toEqual(
      rows,
    )
  })

  test('a row with text that cannot be written, or without a required value, is refused with its place', async () => {
    const line = (sku: unknown) => ({ sku, prices: null, extra: null })
    const rows = [
      { id: 1, lines: [line('a')], none: null, kept: null },
      { id: 2, lines: [line('a'), line('\ud800')], none: null, kept: null },
      { id: 3, lines: [line(null)], none: null, kept: null },
      { id: null, lines: [], none: null, kept: null },
      { id: 5, lines: [line('b'), line('c')], none: null, kept: null },
    ]
    const refused: RefusedRow[] = []
    const bytes = await write(order, rows, 100, refused)
    expect(refused.map(({ index, code, field: at }) => [index, code, at])).toEqual([
      [2, 'missing_value', 'lines[].sku'],
      [3, 'missing_value', 'id'],
      [1, 'bad_text', 'lines[].sku'],
    ])
    expect(await read(bytes, order)).toEqual([rows[0], rows[4]])
  })
})
