/** A writer that is told after how many bytes to stop. */
import { expect, it } from 'vitest'
import { schemaOf } from '../../formats/test/csv-read.ts'
import { columnarWrite, fileWriteFormats } from '../src/formats.ts'

it.each(columnarWrite.map(({ name }) => name))(
  'a writer stops some rows after the one that reaches the limit, in %s',
  async (type) => {
    const writer = (await fileWriteFormats.prepare({ type }, schemaOf({ id: 'integer', text: 'string' })))()
    const many = Array.from({ length: 50_000 }, (_, id) => ({ id, text: `${id * 7919}` }))
    const { taken } = writer.write(many, 20_000)
    expect(writer.size).toBeGreaterThanOrEqual(20_000)
    expect(writer.size).toBeLessThan(25_000)
    const size = writer.finish().length
    expect(size).toBeGreaterThan(5000)
    expect(size).toBeLessThan(40_000)
    expect(taken).toBeLessThan(10_000)
  },
)
