/** Damaged Arrow files: each is refused with a code, quickly, and in little memory. */
import { readFileSync } from 'node:fs'
import { MillraceError, type Row } from '@millrace/core'
import { expect, it } from 'vitest'
import { bytesSource } from '../../formats/src/reader.ts'
import { live, schemaOf } from '../../formats/test/csv-read.ts'
import { createArrowReader, inferArrow } from '../src/arrow/read.ts'
import { arrowWriter } from '../src/arrow/write.ts'

const schema = schemaOf({ a: 'integer', b: 'string?' })

async function file(rows: readonly Row[], layout: 'file' | 'stream' = 'file'): Promise<Buffer> {
  const writer = (await arrowWriter(schema, { layout }))()
  writer.write(rows)
  return Buffer.from(writer.finish() as Uint8Array)
}

/** The number of rows. Stops after a million. */
async function count(bytes: Uint8Array, most?: number): Promise<number> {
  let rows = 0
  for await (const piece of createArrowReader({ schema, unknownFields: 'drop' }, { max_expanded: most }).read(
    bytesSource(bytes),
    undefined,
    live,
  )) {
    rows += piece.rows.length + (piece.bad?.length ?? 0)
    if (rows > 1_000_000) break
  }
  return rows
}

it('a file of one row with any byte changed has one row, or is refused', async () => {
  for (const layout of ['file', 'stream'] as const) {
    const sound = await file([{ a: 1, b: 'x' }], layout)
    expect(await count(sound)).toBe(1)
    for (let at = 0; at < sound.length; at++)
      for (const change of [1, 0x80, 0xff]) {
        const bytes = Buffer.from(sound)
        bytes[at]! ^= change
        const rows = await count(bytes).catch((error: unknown) => {
          expect(error).toBeInstanceOf(MillraceError)
          return -1
        })
        // A stream whose schema is followed by what looks like its end has no rows.
        expect(
          rows === 1 || rows === -1 || (layout === 'stream' && rows === 0),
          `${layout} ${at} ${change}: ${rows}`,
        ).toBe(true)
      }
  }
})

it('a compressed buffer is checked against max_expanded and its declared length', async () => {
  const bytes = readFileSync(new URL('fixtures/pyarrow-zstd.arrow', import.meta.url))
  const type = await inferArrow(bytesSource(bytes), live)
  const read = async (input: Uint8Array, most?: number) => {
    for await (const _ of createArrowReader({ schema: type, unknownFields: 'drop' }, { max_expanded: most }).read(
      bytesSource(input),
      undefined,
      live,
    ));
  }
  await read(bytes)
  await expect(read(bytes, 50)).rejects.toMatchObject({ code: 'too_expanded' })
  // The lengths before the compressed bytes of its buffers.
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
  const at = bytes.indexOf(magic)
  for (const [length, code] of [
    [2n ** 62n, 'too_expanded'],
    [3n, 'broken_file'],
    [-7n, 'broken_file'],
  ] as const) {
    const changed = Buffer.from(bytes)
    for (let k = at; k >= 8; k = changed.indexOf(magic, k + 1)) changed.writeBigInt64LE(length, k - 8)
    await expect(read(changed)).rejects.toMatchObject({ code })
  }
})

it('a file that ends early, or is not Arrow, is refused', async () => {
  const sound = await file([{ a: 1, b: 'x' }])
  for (const bytes of [
    sound.subarray(0, -1),
    sound.subarray(0, 40),
    Buffer.from('ARROW1'),
    Buffer.alloc(100),
    Buffer.alloc(0),
  ])
    await expect(count(bytes)).rejects.toMatchObject({ code: 'broken_file' })
})
