/** Members of structs that the schema does not name: counted, refused or kept, as in JSON. */
import { parseRecordType, type RecordType, type Row } from '@millrace/core'
import { expect, test } from 'vitest'
import { bytesSource, type ReadOptions } from '../../formats/src/reader.ts'
import { fileReadFormats } from '../src/index.ts'
import { arrowWriter } from '../src/arrow/write.ts'
import { parquetWriter } from '../src/parquet/write.ts'

function schemaOf(fields: Record<string, unknown>): RecordType {
  const { type, problems } = parseRecordType({ fields })
  if (problems.length > 0) throw new Error(problems[0]!.message)
  return type
}
const inside = (fields: Record<string, unknown>) =>
  schemaOf({ one: { fields, optional: true }, many: { list: { fields } }, by: { map: { fields } } })
const wide = inside({ a: 'integer', b: 'timestamp', __more: 'string?' })
const value = (a: number) => ({ a, b: 0, __more: null })
const rows: Row[] = [
  { one: value(1), many: [value(2), value(3)], by: { x: value(4) } },
  { one: null, many: [], by: {} },
]

async function read(type: 'parquet' | 'arrow', schema: RecordType, unknownFields: ReadOptions['unknownFields']) {
  const writer = (await (type === 'parquet' ? parquetWriter(wide) : arrowWriter(wide)))()
  writer.write(rows)
  const { reader } = fileReadFormats.open({ type }, { schema, unknownFields })
  const found: Row[] = []
  let unknown = 0
  for await (const piece of reader.read(bytesSource(writer.finish()), undefined, new AbortController().signal)) {
    found.push(...piece.rows)
    unknown += piece.unknown ?? 0
  }
  return { rows: JSON.parse(JSON.stringify(found)) as unknown, unknown }
}

test.each(['parquet', 'arrow'] as const)('%s', async (type) => {
  const narrow = inside({ a: 'integer' })
  const only = (a: number) => ({ a })
  expect(await read(type, narrow, 'drop')).toEqual({
    rows: [
      { one: only(1), many: [only(2), only(3)], by: { x: only(4) } },
      { one: null, many: [], by: {} },
    ],
    unknown: 8,
  })
  await expect(read(type, narrow, 'error')).rejects.toMatchObject({
    code: 'unknown_field',
    message: expect.stringContaining('one.b, one.__more'),
  })
  const kept = (a: number) => ({ a, b: '1970-01-01T00:00:00.000Z', __more: null })
  expect(await read(type, narrow, 'keep')).toEqual({
    rows: [
      { one: kept(1), many: [kept(2), kept(3)], by: { x: kept(4) } },
      { one: null, many: [], by: {} },
    ],
    unknown: 0,
  })
})

test('a value inside that has another type is told apart from its column', async () => {
  const type = 'parquet'
  const wrong = schemaOf({ by: { map: { fields: { a: 'date' } } } })
  await expect(read(type, wrong, 'drop')).rejects.toMatchObject({ code: 'wrong_type' })
  const texts = schemaOf({ by: 'map<date>' })
  await expect(read(type, texts, 'drop')).rejects.toMatchObject({ message: expect.stringContaining('the column by.*') })
})
