/** A writer that is told after how many bytes to stop. */
import type { Row } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { textWriteFormats, writeFormatsOf } from '../src/write-format.ts'
import type { RecordWriter } from '../src/writer.ts'
import { schemaOf } from './csv-read.ts'

const schema = schemaOf({ id: 'integer', text: 'string', at: 'timestamp' })
const texts = ['', 'plain', '\u00e4\u00f6\u00fc'.repeat(40), '"quoted, and more"'.repeat(9), '\u{1F600}'.repeat(200)]
const rowOf = (id: number): Row => ({ id, text: texts[id % texts.length]!, at: id % 17 === 5 ? 8.64e15 : id })
const rows = Array.from({ length: 500 }, (_, id) => rowOf(id))

/** All of it, in writes of at most that many bytes, and the sizes of what was taken after each. */
function written(writer: RecordWriter, most: number | undefined) {
  const parts: Buffer[] = []
  const refused: number[] = []
  const sizes: { bytes: number; last: number }[] = []
  for (let at = 0; at < rows.length; ) {
    const result = writer.write(rows.slice(at), most)
    for (const { index } of result.refused ?? []) refused.push(at + index)
    expect(result.taken).toBeGreaterThan(0)
    at += result.taken
    const bytes = Buffer.from(writer.take())
    parts.push(bytes)
    sizes.push({ bytes: bytes.length, last: at - 1 })
  }
  parts.push(Buffer.from(writer.finish()))
  return { bytes: Buffer.concat(parts), refused, sizes }
}

const formats = writeFormatsOf(textWriteFormats)

describe('a writer stops after the row that reaches the limit', () => {
  it.each(textWriteFormats.map(({ name }) => name))('exactly, to the record, in %s', async (type) => {
    const make = await formats.prepare({ type }, schema)
    const sizeOf = (row: Row): number => {
      const one = make(type === 'csv')
      one.write([row])
      return one.take().length
    }
    const whole = written(make(), undefined)
    expect(whole.sizes).toHaveLength(1)
    for (const most of [1, 100, 1000, 4096, 100_000, 10_000_000]) {
      const cut = written(make(), most)
      expect(cut.bytes.equals(whole.bytes)).toBe(true)
      expect(cut.refused).toEqual(whole.refused)
      for (const { bytes, last } of cut.sizes.slice(0, -1)) {
        expect(bytes).toBeGreaterThanOrEqual(most)
        if (last > 0) expect(bytes - sizeOf(rows[last]!)).toBeLessThan(most)
      }
    }
  })
})
