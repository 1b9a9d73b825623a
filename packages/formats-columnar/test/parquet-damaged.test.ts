/** Parquet files that are damaged or malicious: each is refused with a code, quickly, and in little memory. */
import { brotliCompressSync, constants } from 'node:zlib'
import { MillraceError, type Row } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { bytesSource, type ReadOptions } from '../../formats/src/reader.ts'
import { live, schemaOf } from '../../formats/test/csv-read.ts'
import { decompress } from '../src/decompress.ts'
import { createParquetReader } from '../src/parquet/read.ts'
import { craft, type CraftedPage, int32s, runs, varint } from './crafted.ts'

async function read(bytes: Uint8Array, fields: Record<string, unknown>, more: Partial<ReadOptions> = {}, max?: number) {
  const rows: Row[] = []
  const options = { schema: schemaOf(fields), unknownFields: 'drop' as const, ...more }
  for await (const piece of createParquetReader(options, { max_expanded: max }).read(
    bytesSource(bytes),
    undefined,
    live,
  ))
    rows.push(...piece.rows)
  return rows
}

const required = [{ name: 'n', type: 'INT32', repetition: 'required' }] as const
const optional = [{ name: 'n', type: 'INT32', repetition: 'optional' }] as const
const texts = [{ name: 's', type: 'BYTE_ARRAY', repetition: 'required', converted: 0 }] as const
const plain: CraftedPage = { bytes: int32s(1, 2, 3), values: 3 }
const n = { n: 'integer?' }

it('a sound file is read, its checksums verified', async () => {
  const file = craft(required, [{ pages: [{ ...plain, crc: true }] }], { rows: 3 })
  expect(await read(file, n)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
})

describe('refuses', () => {
  const damaged: readonly [what: string, file: () => Buffer][] = [
    ['a page with one flipped byte', () => craft(required, [{ pages: [{ ...plain, crc: 77 }] }], { rows: 3 })],
    ['fewer values than rows', () => craft(required, [{ pages: [plain] }], { rows: 4 })],
    ['more values than rows', () => craft(required, [{ pages: [plain] }], { rows: 2 })],
    ['a row group of other rows than the file', () => craft(required, [{ pages: [plain] }], { rows: 4, groupRows: 3 })],
    ['a page of fewer values than it says', () => craft(required, [{ pages: [{ ...plain, values: 4 }] }], { rows: 4 })],
    ['a page larger than it says', () => craft(required, [{ pages: [{ ...plain, size: 8 }] }], { rows: 3 })],
    ['a codec that the page is not of', () => craft(required, [{ pages: [plain], codec: 2 }], { rows: 3 })],
    [
      'billions of values in a page of none',
      () => craft(required, [{ pages: [{ ...plain, values: 2 ** 31 - 1 }] }], { rows: 2 ** 31 - 1 }),
    ],
    [
      'a level above what the schema has',
      () =>
        craft(optional, [{ pages: [{ bytes: Buffer.concat([runs([3, 2]), int32s(1, 2, 3)]), values: 3 }] }], {
          rows: 3,
        }),
    ],
    [
      'levels that end early',
      () =>
        craft(optional, [{ pages: [{ bytes: Buffer.concat([runs([2, 1]), int32s(1, 2, 3)]), values: 3 }] }], {
          rows: 3,
        }),
    ],
    [
      'a place outside the dictionary',
      () =>
        craft(
          required,
          [
            {
              pages: [
                { bytes: int32s(7), values: 1, kind: 'dictionary' },
                { bytes: Buffer.from([1, ...varint(6), 1]), values: 3, encoding: 8 },
              ],
            },
          ],
          { rows: 3 },
        ),
    ],
    [
      'a dictionary of billions of values in a few bytes',
      () =>
        craft(
          texts,
          [
            {
              pages: [
                { bytes: int32s(0), values: 2 ** 31 - 1, kind: 'dictionary' },
                { ...plain, encoding: 8 },
              ],
            },
          ],
          { rows: 3 },
        ),
    ],
    [
      'a text longer than its page',
      () => craft(texts, [{ pages: [{ bytes: int32s(2 ** 31 - 1), values: 1 }] }], { rows: 1 }),
    ],
    [
      'deltas of blocks without values',
      () => craft(required, [{ pages: [{ bytes: Buffer.from([0, 0, 3, 2]), values: 3, encoding: 5 }] }], { rows: 3 }),
    ],
    [
      'deltas that end early',
      () =>
        craft(
          required,
          [{ pages: [{ bytes: Buffer.from([128, 1, 4, ...varint(2 ** 40), 2]), values: 3, encoding: 5 }] }],
          {
            rows: 3,
          },
        ),
    ],
  ]
  it.each(damaged)('%s', async (_what, file) => {
    const fields = { n: 'integer?', s: 'string?' }
    const refused = read(file(), fields)
    await expect(refused).rejects.toBeInstanceOf(MillraceError)
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^(broken_file|too_expanded)$/) })
  })

  it('what expands beyond the limit when it is decompressed', async () => {
    const bytes = brotliCompressSync(Buffer.alloc(300 * 1024 * 1024), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 3 },
    })
    expect(bytes.length).toBeLessThan(3000)
    const before = process.memoryUsage.rss()
    for (const size of [300 * 1024 * 1024, 2 ** 31 - 1, 1000]) {
      const file = craft(texts, [{ codec: 4, pages: [{ bytes, size, values: 1 }] }], { rows: 1 })
      await expect(read(file, { s: 'string' })).rejects.toMatchObject({
        code: size === 1000 ? 'broken_file' : 'too_expanded',
      })
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024)
    const small = craft(texts, [{ codec: 4, pages: [{ bytes: brotliCompressSync(int32s(0)), size: 4, values: 1 }] }], {
      rows: 1,
    })
    expect(await read(small, { s: 'string' }, {}, 4 + 100)).toEqual([{ s: '' }])
    await expect(read(small, { s: 'string' }, {}, 3)).rejects.toMatchObject({ code: 'too_expanded' })
  })

  it('a footer of nested or endless metadata', async () => {
    const end = (footer: Uint8Array) => {
      const tail = Buffer.alloc(8, 'PAR1')
      tail.writeUInt32LE(footer.length)
      return Buffer.concat([Buffer.from('PAR1'), footer, tail])
    }
    for (const footer of [
      Buffer.alloc(100_000, 0x1c),
      Buffer.from([0x19, 0xfc, ...varint(2 ** 31 - 1)]),
      Buffer.from([0x18, ...varint(2 ** 40)]),
      Buffer.alloc(20, 0xff),
      Buffer.alloc(20),
    ])
      await expect(read(end(footer), n)).rejects.toMatchObject({ code: 'broken_file' })
  })
})

it('a page with more rows than memory holds is read piece by piece', async () => {
  const rows = 50_000_000
  const file = craft(optional, [{ pages: [{ bytes: runs([rows, 0]), values: rows }] }], { rows })
  const reader = createParquetReader({ schema: schemaOf(n), unknownFields: 'drop' })
  let seen = 0
  const before = process.memoryUsage.rss()
  for await (const piece of reader.read(bytesSource(file), undefined, live)) {
    seen += piece.rows.length
    if (seen >= 2_000_000) break
  }
  expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 * 1024)
  expect(seen).toBe(2_000_000)
})

it('a list with more entries than memory holds is refused', async () => {
  const schema = [{ name: 'n', type: 'INT32', repetition: 'repeated' }] as const
  const items = 2 ** 30
  const levels = Buffer.concat([runs([1, 0], [items - 1, 1]), runs([items, 1])])
  const file = craft(schema, [{ pages: [{ bytes: Buffer.concat([levels, int32s(1, 2)]), values: items }] }], {
    rows: 1,
  })
  await expect(read(file, { n: 'list<integer>' })).rejects.toMatchObject({ code: 'broken_file' })
})

it.each([
  ['SNAPPY', [8, 0x1c, 1, 2, 3, 4, 5, 6, 7, 8], true],
  ['SNAPPY', [8, 0x00, 1, 0x11, 200], false],
  ['SNAPPY', [255, 255, 255, 255, 15], false],
  ['LZ4_RAW', [0x80, 1, 2, 3, 4, 5, 6, 7, 8], true],
  ['LZ4_RAW', [0xff, 255, 255, 255, 255, 1], false],
  ['LZ4_RAW', [0x10, 1, 9, 0], false],
  ['LZ4', [0, 0, 0, 8, 0, 0, 0, 9, 0x80, 1, 2, 3, 4, 5, 6, 7, 8], true],
  ['LZ4_FRAME', [4, 0x22, 0x4d, 0x18, 0x40, 0x40, 0, 8, 0, 0, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0], true],
  ['LZ4_FRAME', [4, 0x22, 0x4d, 0x18, 0x40, 0x40, 0, 255, 255, 255, 0x7f], false],
  ['ZSTD', [1, 2, 3], false],
] as const)('%s of %j yields the declared size or nothing', (codec, bytes, sound) => {
  const page = decompress(codec, Buffer.from(bytes), 8)
  if (sound) expect([...(page as Uint8Array)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  else expect(page).toEqual(expect.any(String))
})

it('an unknown codec is named', async () => {
  await expect(read(craft(required, [{ pages: [plain], codec: 3 }], { rows: 3 }), n)).rejects.toThrow(/LZO/)
})
