/** The index of pages, read by hyparquet, says where pages are and what is in them. */
import { parseRecordType, type Row } from '@millrace/core'
import { parquetMetadata, parquetSchema, readColumnIndex, readOffsetIndex } from 'hyparquet'
import { expect, test } from 'vitest'
import { parquetWriter } from '../src/parquet/write.ts'

const { type: schema } = parseRecordType({
  fields: {
    n: 'integer',
    text: 'string?',
    few: 'string?',
    none: 'number?',
    flag: 'boolean?',
    tags: 'list<string>',
    long: 'string?',
  },
})
const rows = Array.from({ length: 60_000 }, (_, i): Row => {
  const text = i % 10 === 3 || (i > 20_000 && i < 55_000) ? null : `${(i * 7919) % 60_000} ${'x'.repeat(100)}`
  const tags = Array.from({ length: i % 4 }, (__, k) => `${i * 104729} ${k} ${'y'.repeat(60)}`)
  return {
    n: i * 31,
    text,
    few: i % 3 ? `k${i % 5}` : null,
    none: null,
    flag: i % 2 === 0,
    tags,
    long: 'z'.repeat(300),
  }
})

test('it has the place, the bounds and the nulls of every page', async () => {
  const writer = (await parquetWriter(schema, { row_group: 50_000 }))()
  for (let i = 0; i < rows.length; i += 1000) writer.write(rows.slice(i, i + 1000))
  const file = writer.finish()
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer
  const metadata = parquetMetadata(buffer)
  const tree = parquetSchema(metadata)
  let pages = 0
  for (const [g, group] of metadata.row_groups.entries()) {
    const own = rows.slice(g * 50_000, (g + 1) * 50_000)
    for (const chunk of group.columns) {
      const [name, ...inner] = chunk.meta_data!.path_in_schema
      const top = tree.children.find(({ element }) => element.name === name)!
      const { element } = inner.length > 0 ? top.children[0]!.children[0]! : top
      const view = (at: bigint | undefined, length: number | undefined) => ({
        view: new DataView(buffer, Number(at), length),
        offset: 0,
      })
      const { page_locations: places } = readOffsetIndex(view(chunk.offset_index_offset, chunk.offset_index_length))
      pages += places.length
      for (const [k, { offset, compressed_page_size: bytes, first_row_index: first }] of places.entries()) {
        const next = places[k + 1]
        if (next) expect(next.offset).toBe(offset + BigInt(bytes))
        const of = own.slice(Number(first), next ? Number(next.first_row_index) : undefined)
        expect(of.length).toBeGreaterThan(0)
        const values = of.flatMap((row) => {
          const value = row[name!]
          return Array.isArray(value) ? (value.length > 0 ? (value as unknown[]) : [null]) : [value]
        })
        const known = values.filter((value) => value !== null)
        if (name === 'long') {
          expect(chunk.column_index_offset).toBeUndefined()
          continue
        }
        const index = readColumnIndex(view(chunk.column_index_offset, chunk.column_index_length), element)
        expect(index.null_pages[k]).toBe(known.length === 0)
        expect(index.null_counts![k]).toBe(BigInt(values.length - known.length))
        if (known.length === 0) continue
        const order = (a: unknown, b: unknown) => (a! < b! ? -1 : 1)
        const bounds = [index.min_values[k], index.max_values[k]].map((v) => (typeof v === 'bigint' ? Number(v) : v))
        const sorted = known.toSorted(order)
        expect(bounds).toEqual([sorted[0], sorted.at(-1)])
      }
    }
  }
  expect(pages).toBeGreaterThan(2 * 7)
})
