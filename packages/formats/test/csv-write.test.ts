import { parseRecordType, recordText, type RecordType, type Row } from '@millrace/core'
import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inferCsv } from '../src/csv/infer.ts'
import { csvAccepts, csvWriteProblems, csvWriter } from '../src/csv/writer.ts'
import { bytesSource } from '../src/reader.ts'
import { live, readCsv, schemaOf } from './csv-read.ts'

const write = (schema: RecordType, rows: Row[], options = {}) => {
  const writer = csvWriter(schema, options)()
  const { refused } = writer.write(rows)
  return { text: Buffer.from(writer.finish()).toString(), refused }
}

describe('the CSV writer', () => {
  it('quotes only where necessary', () => {
    const rows = [
      { a: 'plain', b: 'a,b' },
      { a: 'say "x"', b: 'two\nlines' },
      { a: '', b: null },
      { a: ' x ', b: '£ 😀' },
    ]
    expect(write(schemaOf({ a: 'string', 'b,c': 'string?' }), []).text).toBe('a,"b,c"\n')
    expect(write(schemaOf({ a: 'string', b: 'string?' }), rows).text).toBe(
      'a,b\nplain,"a,b"\n"say ""x""","two\nlines"\n"",\n x ,£ 😀\n',
    )
    expect(
      write(schemaOf({ a: 'string', b: 'string?' }), rows.slice(2, 3), {
        delimiter: ';',
        line_end: 'crlf',
        nulls: 'NULL',
        header: false,
      }).text,
    ).toBe(';NULL\r\n')
  })

  it('writes each type so that a reader returns it unchanged', async () => {
    const schema = schemaOf({
      s: 'string?',
      i: 'integer?',
      big: 'bigint?',
      n: 'number?',
      d: 'decimal(8,3)?',
      t: 'boolean?',
      day: 'date?',
      at: 'timestamp?',
      x: 'bytes?',
      l: 'list<integer?>?',
      o: { fields: { k: 'string?' } },
    })
    const value: Record<string, fc.Arbitrary<unknown>> = {
      s: fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      i: fc.maxSafeInteger(),
      big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      n: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
      d: fc
        .integer({ min: -99_999_999, max: 99_999_999 })
        .map((n) => (n < 0 && n > -1000 ? '-' : '') + (n / 1000).toFixed(3).replace('-0.', '0.'))
        .filter((text) => text !== '-0.000'),
      t: fc.boolean(),
      day: fc.constantFrom('2024-02-29', '0001-01-01'),
      at: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
      x: fc.uint8Array({ maxLength: 5, minLength: 1 }),
      l: fc.array(fc.option(fc.integer())),
      o: fc.record({ k: fc.option(fc.string()) }),
    }
    const row = fc.record(
      Object.fromEntries(Object.entries(value).map(([name, one]) => [name, name === 'o' ? one : fc.option(one)])),
    ) as fc.Arbitrary<Row>
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 5 }),
        fc.record({
          delimiter: fc.constantFrom(',', '\t', '|'),
          nulls: fc.constantFrom('', 'NULL', '\\N'),
          line_end: fc.constantFrom('lf', 'crlf'),
        }),
        async (rows, options) => {
          const { text, refused } = write(schema, rows, options)
          expect(refused).toBeUndefined()
          const seen = await readCsv(text, schema, { csv: { delimiter: options.delimiter, nulls: [options.nulls] } })
          expect({ rows: seen.rows, bad: seen.bad }).toEqual({ rows, bad: [] })
        },
      ),
      { seed: 31, numRuns: 300 },
    )
  })

  it('is read the same by csv-parse', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (cells) => {
        const rows = cells.map(([a, b]) => ({ a, b }))
        expect(
          parse(write(schemaOf({ a: 'string', b: 'string' }), rows).text, { columns: true }).map((row) => ({
            ...(row as object),
          })),
        ).toEqual(rows)
      }),
      { seed: 32, numRuns: 200 },
    )
  })

  it('refuses, row by row, what would be read differently', () => {
    const { text, refused } = write(
      schemaOf({ s: 'string?', x: 'bytes?' }),
      [
        { s: '\ud800', x: null },
        { s: 'a', x: Buffer.from('NULL', 'base64') },
        { s: 'b', x: null },
      ],
      { nulls: 'NULL' },
    )
    expect(text).toBe('s,x\nb,NULL\n')
    expect(refused).toMatchObject([
      { index: 0, code: 'bad_text', field: 's' },
      { index: 1, code: 'reads_as_null', field: 'x' },
    ])
    expect(write(schemaOf({ at: 'timestamp' }), [{ at: 9e15 }]).refused).toMatchObject([
      { index: 0, code: 'out_of_range', field: 'at' },
    ])
  })

  it('appends to a file that has its header, and returns its bytes once', () => {
    const make = csvWriter(schemaOf({ a: 'integer' }))
    const first = make()
    first.write([{ a: 1 }])
    expect(first.pendingBytes).toBe(4)
    expect(Buffer.from(first.take()).toString()).toBe('a\n1\n')
    expect([first.pendingBytes, first.take().length]).toEqual([0, 0])
    const next = make(true)
    next.write([{ a: 2 }])
    expect(Buffer.from(next.finish()).toString()).toBe('2\n')
  })

  it('reports invalid options and records', () => {
    expect(csvWriteProblems({})).toEqual([])
    expect(csvWriteProblems({ delimiter: ',,' })).toMatchObject([{ at: ['delimiter'] }])
    expect(csvWriteProblems({ quote: '' })).toMatchObject([{ at: ['quote'] }])
    expect(csvWriteProblems({ delimiter: ';', nulls: 'a;b' })).toMatchObject([{ at: ['nulls'] }])
    expect(csvAccepts({ ...schemaOf({ a: 'string' }), open: true })).toHaveLength(1)
    expect(csvAccepts(parseRecordType({ fields: { a: 'string' } }).type)).toEqual([])
  })
})

describe('inference from CSV', () => {
  const infer = async (text: string, csv = {}) => recordText(await inferCsv(bytesSource(Buffer.from(text)), csv, live))

  it('finds the narrowest type that fits all cells', async () => {
    const text = `i,big,n,t,day,at,s,zip,plus,long,none,part
1,9007199254740993,1.50,True,2024-02-29,2010-12-01T08:26:00Z,x,007,+1,12345678901234567890,,1
-20,1,3,false,0001-01-01,2010-12-01T08:26:00+01:00,2,100,2,1,,
`
    expect(await infer(text)).toBe(
      '{ i: integer, big: bigint, n: number, t: boolean, day: date, at: timestamp, s: string, zip: string, plus: string, long: string, none: string?, part: integer? }',
    )
    expect(await infer('a;b\nNA;1\n', { delimiter: ';', nulls: ['NA'] })).toBe('{ a: string?, b: integer }')
    expect(await infer('d\n31/12/2010\n')).toBe('{ d: string }')
    expect(await infer('n\n0.1234567890123456\n')).toBe('{ n: string }')
  })

  it('says why it cannot', async () => {
    await expect(infer('')).rejects.toMatchObject({ code: 'cannot_infer' })
    await expect(infer('1,2\n', { header: false })).rejects.toMatchObject({ code: 'cannot_infer' })
    await expect(infer('a,b\n1\n')).rejects.toMatchObject({ code: 'bad_record' })
    await expect(infer('a,a\n1,2\n')).rejects.toMatchObject({
      code: 'bad_record',
      message: expect.stringContaining('twice'),
    })
    expect(await infer('a,b\n')).toBe('{ a: string?, b: string? }')
  })
})
