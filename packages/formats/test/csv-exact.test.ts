/**
 * CSV that is easily misread: ends and bounds of records, byte order marks, stray quotes, bytes without a character.
 */
import { describe, expect, it } from 'vitest'
import { inferCsv } from '../src/csv/infer.ts'
import { bytesSource } from '../src/reader.ts'
import { decodeText, encodeText } from '../src/text.ts'
import { csvWriter } from '../src/csv/writer.ts'
import { inChunks, live, readCsv, schemaOf } from './csv-read.ts'

const one = schemaOf({ a: 'string?' })
const ab = schemaOf({ a: 'string?', b: 'string?' })

describe.each(['compiled', 'interpreted'] as const)('the %s scanner', (scanner) => {
  it.each(['a\n"x', 'a\n"x\ny', `a\n"${'x'.repeat(90)}`, `a\n${'x'.repeat(90)}`])(
    'makes no record of the end of the input: %j',
    async (text) => {
      const { rows, bad } = await readCsv(text, one, { scanner, csv: { max_record_size: 40 } })
      expect(rows.filter(({ a }) => a === null)).toEqual([])
      expect(bad.map(({ bytes }) => bytes).join('') + rows.map(({ a }) => a).join('')).toBe(text.slice(2))
    },
  )

  it.each(['\r', '\n', '\r\n'])('keeps the records after one that is too large: %j', async (lineEnd) => {
    for (const quote of ['"', ''])
      for (let length = 36; length < 130; length++) {
        const text = `${quote}${'x'.repeat(length - quote.length)}${lineEnd}good${lineEnd}more${lineEnd}`
        for (const size of [1, 8, 40, 80, 1000]) {
          const seen = await readCsv(inChunks(Buffer.from(text), size), one, {
            scanner,
            csv: { header: false, max_record_size: 40 },
          })
          const found = { length, size, rows: seen.rows.slice(-2).map(({ a }) => a) }
          // A quote that is not closed within the limit swallows the lines within it.
          const more = quote && length + lineEnd.length + 4 + lineEnd.length <= 40 ? [] : ['good']
          expect(found).toEqual({ length, size, rows: [...more, 'more'].slice(-2) })
        }
      }
  })

  it('refuses a record after a byte order mark in the middle, but not a value that begins with one', async () => {
    const text = 'a,b\n1,2\n\ufeff3,4\n"\ufeff5",\ufeff6\n'
    for (const encoding of ['utf-8', 'utf-16le', 'utf-16be'] as const) {
      for (const mark of ['', '\ufeff']) {
        const bytes = encodeText(mark + text, encoding)!
        const { rows, bad } = await readCsv(bytes, ab, { scanner, csv: { encoding } })
        expect(bad).toMatchObject([{ code: 'byte_order_mark' }])
        expect(rows).toEqual([
          { a: '1', b: '2' },
          { a: '\ufeff5', b: '\ufeff6' },
        ])
      }
    }
  })

  it('refuses a quote in a cell that does not begin with one where that is requested', async () => {
    const schema = schemaOf({ a: 'string?', b: 'integer?', c: 'string?' })
    const text = 'a,b,c\n5" disk,1,x\nx,1"2,x\n"5"" disk",1,x\né",1,x\nx,1,"\n'
    const strict = await readCsv(text, schema, { scanner, csv: { bare_quotes: 'error' } })
    expect(strict.rows).toEqual([{ a: '5" disk', b: 1, c: 'x' }])
    expect(strict.bad.map(({ code, field }) => [code, field])).toEqual([
      ['bad_quote', 'a'],
      ['bad_quote', 'b'],
      ['bad_quote', 'a'],
      ['unclosed_quote', 'c'],
    ])
    const lax = await readCsv(text, schema, { scanner })
    expect(lax.rows.map(({ a }) => a)).toEqual(['5" disk', '5" disk', 'é"'])
  })

  it('refuses bytes that a single-byte encoding maps to no character', async () => {
    const bytes = Buffer.from('a,b\n\x80uro,\x93x\x94\ncaf\xe9,x\n"\x81",x\n', 'latin1')
    const latin1 = await readCsv(bytes, ab, { scanner, csv: { encoding: 'latin1' } })
    expect(latin1.rows).toEqual([{ a: 'café', b: 'x' }])
    expect(latin1.bad.map(({ code, field }) => [code, field])).toEqual([
      ['bad_encoding', 'a'],
      ['bad_encoding', 'a'],
    ])
    const windows = await readCsv(bytes, ab, { scanner, csv: { encoding: 'windows-1252' } })
    expect(windows.rows).toEqual([
      { a: '€uro', b: '“x”' },
      { a: 'café', b: 'x' },
    ])
    expect(windows.bad).toMatchObject([{ code: 'bad_encoding', field: 'a' }])
  })
})

it.each([
  ['80', 'utf-8', 'windows-1252'],
  ['e9', 'utf-8', 'windows-1252'],
  ['81', 'utf-8', undefined],
  ['80', 'latin1', 'windows-1252'],
  ['c281', 'windows-1252', 'utf-8'],
] as const)('bytes %s are not %s, but may be %s', async (hex, encoding, other) => {
  const input = bytesSource(Buffer.concat([Buffer.from('a\n'), Buffer.from(hex, 'hex'), Buffer.from('\n')]))
  const failing = inferCsv(input, { encoding }, live)
  await expect(failing).rejects.toThrow(other ?? /of it\)$/)
})

it('windows-1252 has the characters of the WHATWG encoding standard, except for the five bytes that represent none', () => {
  const decoder = new TextDecoder('windows-1252')
  for (let byte = 0; byte < 256; byte++) {
    const bytes = Uint8Array.of(byte)
    const none = [0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte)
    const text = decodeText(bytes, 'windows-1252')
    expect(text).toBe(none ? undefined : decoder.decode(bytes))
    if (text !== undefined) expect(encodeText(text, 'windows-1252')).toEqual(Buffer.from(bytes))
  }
  expect(encodeText('\x80', 'windows-1252')).toBeUndefined()
  expect(encodeText('\x80', 'latin1')).toBeUndefined()
  expect(encodeText('日', 'latin1')).toBeUndefined()
})

it('a schema is not inferred from text with stray quotes, unless they are declared to be text', async () => {
  const input = bytesSource(Buffer.from('a,b\n5" disk,1\n'))
  await expect(inferCsv(input, {}, live)).rejects.toMatchObject({
    code: 'bad_record',
    hint: expect.stringContaining('bare_quotes'),
  })
  expect(await inferCsv(input, { bare_quotes: 'keep' }, live)).toMatchObject({ fields: { a: {}, b: {} } })
})

it('a value that begins with U+FEFF is read back from where a byte order mark would be', async () => {
  for (const header of [true, false])
    for (const name of ['a', '\ufeffa']) {
      const schema = schemaOf({ [name]: 'string' })
      const rows = [{ [name]: '\ufeffx' }]
      const writer = csvWriter(schema, { header })()
      writer.write(rows)
      const seen = await readCsv(Buffer.from(writer.finish() as Uint8Array), schema, { csv: { header } })
      expect(seen.rows).toEqual(rows)
    }
})
