import { DataError, MillraceError, type RecordType } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { createCsvReader } from '../src/csv/reader.ts'
import { encodeText, encodings } from '../src/text.ts'
import { inChunks, readCsv, schemaOf } from './csv-read.ts'

const ab = schemaOf({ a: 'string?', b: 'string?' })
const rowsOf = async (text: string, schema: RecordType = ab, given = {}) => (await readCsv(text, schema, given)).rows
const badOf = async (text: string, schema: RecordType = ab, given = {}) => (await readCsv(text, schema, given)).bad

describe.each(['compiled', 'interpreted'] as const)('the %s scanner', (scanner) => {
  it('reads quotes, doubled quotes, delimiters and line breaks inside quotes', async () => {
    const text = 'a,b\r\n"x, y","say ""hi"""\n"two\r\nlines",""\n"""",plain "inside" it\n'
    expect(await rowsOf(text, ab, { scanner })).toEqual([
      { a: 'x, y', b: 'say "hi"' },
      { a: 'two\r\nlines', b: '' },
      { a: '"', b: 'plain "inside" it' },
    ])
  })

  it('ends records with LF, CR LF, CR or the end of the input, mixed too', async () => {
    const rows = [
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ]
    for (const text of [
      'a,b\n1,2\n3,4\n',
      'a,b\r\n1,2\r\n3,4\r\n',
      'a,b\r1,2\r3,4\r',
      'a,b\r1,2\n3,4',
      'a,b\r\n1,2\r3,4',
    ])
      for (const size of [1, 2, 100])
        expect((await readCsv(inChunks(Buffer.from(text), size), ab, { scanner })).rows).toEqual(rows)
  })

  it('skips empty lines, except in files with one column, where they are empty cells', async () => {
    expect(await rowsOf('\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n', ab, { scanner })).toHaveLength(2)
    expect(await rowsOf('a\n1\n\n2\n', schemaOf({ a: 'string?' }), { scanner })).toEqual([
      { a: '1' },
      { a: null },
      { a: '2' },
    ])
  })

  it('reads every type as core reads it from text', async () => {
    const schema = schemaOf({
      s: 'string',
      i: 'integer',
      big: 'bigint',
      n: 'number',
      d: 'decimal(6,2)',
      t: 'boolean',
      day: 'date',
      at: 'timestamp',
      x: 'bytes',
      l: 'list<integer>',
      j: 'json',
    })
    const text = `s,i,big,n,d,t,day,at,x,l,j\nä,-12,9007199254740993,.5,7.1,True,2024-02-29,2010-12-01T08:26:00Z,AQI=,"[1,2]","{""k"":null}"\n`
    expect(await rowsOf(text, schema, { scanner })).toEqual([
      {
        s: 'ä',
        i: -12,
        big: 9007199254740993n,
        n: 0.5,
        d: '7.10',
        t: true,
        day: '2024-02-29',
        at: Date.UTC(2010, 11, 1, 8, 26),
        x: new Uint8Array([1, 2]),
        l: [1, 2],
        j: { k: null },
      },
    ])
  })

  it('refuses what is not exactly of its type, with code and field', async () => {
    const cases: [type: string, cell: string, code: string][] = [
      ['integer', '1.5', 'not_integer'],
      ['integer', '9007199254740993', 'out_of_range'],
      ['integer', ' 1', 'not_integer'],
      ['integer', '-', 'not_integer'],
      ['number', '1e400', 'out_of_range'],
      ['number', '0x10', 'not_number'],
      ['number', '1 ', 'not_number'],
      ['number', '.', 'not_number'],
      ['number', '1e', 'not_number'],
      ['number', 'NaN', 'not_number'],
      ['number', 'Infinity', 'not_number'],
      ['bigint', '9223372036854775808', 'out_of_range'],
      ['decimal(4,2)', '1.234', 'out_of_range'],
      ['decimal(4,2)', 'one', 'bad_decimal'],
      ['decimal(4,2)', '123.4', 'out_of_range'],
      ['date', '2023-02-29', 'bad_date'],
      ['timestamp', '2010-12-01T08:26:00', 'bad_date'],
      ['boolean', 'yes', 'not_boolean'],
      ['bytes', '*', 'bad_bytes'],
      ['json', '{', 'bad_json'],
      ['integer', '', 'missing_value'],
      ['string', '', 'missing_value'],
    ]
    for (const [type, cell, code] of cases) {
      for (const text of [`a,b\n${cell},x\n`, `b,a\nx,${cell}\n`]) {
        const { rows, bad } = await readCsv(text, schemaOf({ a: type, b: 'string' }), { scanner })
        expect({ type, cell, rows, bad }).toEqual({
          type,
          cell,
          rows: [],
          bad: [{ position: 4, code, field: 'a', bytes: text.slice(4) }],
        })
      }
    }
  })

  it('never confuses a date with the previous one, of which it is a prefix, or the other way round', async () => {
    const texts = [
      '2010-1-10',
      '2010-1-1',
      '2010-1-1',
      '2010-1-12',
      '',
      '2010-1-1',
      '"2010-1-1"',
      '2010-1-10',
      '2010-1',
      '2010-1-1',
    ]
    const push = {
      columns: [{ name: 'd', from: 'd', date: { step: 's', formats: ['yyyy-M-d'], zone: 'UTC', to: 'yyyyMMdd' } }],
    }
    const { rows, bad } = await readCsv(
      `d,x\n${texts.map((text) => `${text},1\n`).join('')}`,
      schemaOf({ d: 'string?', x: 'integer' }),
      {
        scanner,
        read: { push },
      },
    )
    expect(rows.map(({ d }) => d)).toEqual([
      '20100110',
      '20100101',
      '20100101',
      '20100112',
      null,
      '20100101',
      '20100101',
      '20100110',
      '20100101',
    ])
    expect(bad).toMatchObject([{ code: 'bad_date', field: 'd', step: 's' }])
  })

  it('refuses a bad date each time it occurs', async () => {
    const push = {
      columns: [{ name: 'd', from: 'd', date: { step: 's', formats: ['yyyy-M-d'], zone: 'UTC', to: 'yyyyMMdd' } }],
    }
    const { rows, bad } = await readCsv(
      'd,x\n2010-1-1,1\n2010-2-30,1\n2010-2-30,1\n2010-2-30,?\n2010-2-30,1\n',
      schemaOf({ d: 'string', x: 'integer' }),
      {
        scanner,
        read: { push },
      },
    )
    expect(rows).toEqual([{ d: '20100101' }])
    expect(bad.map(({ code }) => code)).toEqual(['bad_date', 'bad_date', 'not_integer', 'bad_date'])
  })

  it('reads more columns than are worth compiling', async () => {
    const names = Array.from({ length: 500 }, (_, k) => `c${k}`)
    const cells = names.map((_, k) => String(k))
    const rows = await rowsOf(
      `${names.join()}\n${cells.join()}\n`,
      schemaOf(Object.fromEntries(names.map((name) => [name, 'integer']))),
      { scanner },
    )
    expect(rows).toEqual([Object.fromEntries(names.map((name, k) => [name, k]))])
  })

  it('keeps the last bit of numbers', async () => {
    const texts = [
      '0.1',
      '-0',
      '-0.0',
      '123456789012345',
      '0.30000000000000004',
      '1234567890.12345',
      '.1',
      '5.',
      '00012',
      '1.7976931348623157e308',
      '5e-324',
      '999999999999999',
      '0.000000000000001',
    ]
    const rows = await rowsOf(`n\n${texts.join('\n')}\n`, schemaOf({ n: 'number' }), { scanner })
    expect(rows.map((row) => row['n'])).toEqual(texts.map(Number))
    expect((await rowsOf('i\n-0\n', schemaOf({ i: 'integer' }), { scanner }))[0]!['i']).toBe(0)
  })

  it('reads null markers as null, but not in quotes where the field is a string', async () => {
    const schema = schemaOf({ s: 'string?', i: 'integer?' })
    const text = 's,i\n,\n"",""\nNULL,NULL\n"NULL","NULL"\n-1,-1\n'
    expect(await rowsOf(text, schema, { scanner, csv: { nulls: ['', 'NULL', '-1'] } })).toEqual([
      { s: null, i: null },
      { s: '', i: null },
      { s: null, i: null },
      { s: 'NULL', i: null },
      { s: null, i: null },
    ])
    expect(await rowsOf('s,i\n,1\n', schema, { scanner, csv: { nulls: [] } })).toEqual([{ s: '', i: 1 }])
    expect(await badOf('s,i\n,\n', schema, { scanner, csv: { nulls: ['NULL'] } })).toMatchObject([
      { code: 'not_integer', field: 'i' },
    ])
  })

  it('refuses ragged rows with their bytes, or pads short ones', async () => {
    const text = 'a,b,c\n1\n1,2,3,4\n1,2,3,"4\n5",6\n"x\ny",2\n1,2,3\n'
    const schema = schemaOf({ a: 'string', b: 'string?', c: 'string?' })
    const strict = await readCsv(text, schema, { scanner })
    expect(strict.bad.map(({ code, bytes }) => [code, bytes])).toEqual([
      ['ragged_row', '1\n'],
      ['ragged_row', '1,2,3,4\n'],
      ['ragged_row', '1,2,3,"4\n5",6\n'],
      ['ragged_row', '"x\ny",2\n'],
    ])
    expect(strict.rows).toEqual([{ a: '1', b: '2', c: '3' }])
    const padded = await readCsv(text, schema, { scanner, csv: { ragged: 'pad' } })
    expect(padded.rows).toEqual([
      { a: '1', b: null, c: null },
      { a: 'x\ny', b: '2', c: null },
      { a: '1', b: '2', c: '3' },
    ])
    expect(padded.bad).toHaveLength(2)
    expect(
      await badOf('a,b\n1\n', schemaOf({ a: 'string', b: 'string' }), { scanner, csv: { ragged: 'pad' } }),
    ).toMatchObject([{ code: 'missing_value', field: 'b' }])
  })

  it('refuses text after a closing quote, up to the next line break', async () => {
    const { rows, bad } = await readCsv('a,b\n"x"y,"z\n1,2\n', ab, { scanner })
    expect(bad).toEqual([{ position: 4, code: 'bad_quote', field: 'a', bytes: '"x"y,"z\n' }])
    expect(rows).toEqual([{ a: '1', b: '2' }])
  })

  it('finds an unclosed quote within max_record_size and resumes after it', async () => {
    const good = Array.from({ length: 20 }, (_, i) => `${i},fine\n`).join('')
    const text = `a,b\n${good}99,"open\n${good}`
    const csv = { max_record_size: 40 }
    for (const size of [1, 7, 1000]) {
      const seen = await readCsv(inChunks(Buffer.from(text), size), ab, { scanner, csv })
      expect(seen.bad).toEqual([
        {
          position: 4 + good.length,
          code: 'unclosed_quote',
          field: 'b',
          bytes: '99,"open\n0,fine\n1,fine\n2,fine\n3,fine\n',
        },
      ])
      expect(seen.raw.join('')).toBe(good + good.slice(28))
    }
    expect(await badOf('a,b\n1,"2\n3,4\n', ab, { scanner })).toEqual([
      { position: 4, code: 'unclosed_quote', field: 'b', bytes: '1,"2\n3,4\n' },
    ])
  })

  it('refuses a line longer than max_record_size in pieces that omit no byte', async () => {
    const long = `x,${'y'.repeat(100)}\r\n`
    for (const size of [1, 3, 1000]) {
      const seen = await readCsv(inChunks(Buffer.from(`a,b\r\n1,2\r\n${long}3,4`), size), ab, {
        scanner,
        csv: { max_record_size: 40 },
      })
      expect(seen.rows).toHaveLength(2)
      expect(seen.bad.map(({ code, bytes }) => [code, bytes.length])).toEqual([
        ['record_too_large', 40],
        ['record_too_large', 40],
        ['record_too_large', 24],
      ])
      expect(seen.bad.map(({ bytes }) => bytes).join('')).toBe(long)
    }
  })

  it('splits such a line at the same bytes whatever the chunks, even within CR LF', async () => {
    const text = `a,b\r\n${'y'.repeat(38)},\r\n${'z'.repeat(79)}\r\n1,2\r\n`
    const whole = await readCsv(text, ab, { scanner, csv: { max_record_size: 40 } })
    expect(whole.bad.map(({ bytes }) => bytes.length)).toEqual([40, 1, 40, 40, 1])
    expect(whole.rows).toEqual([{ a: '1', b: '2' }])
    for (let size = 1; size < 100; size++)
      expect(
        (await readCsv(inChunks(Buffer.from(text), size), ab, { scanner, csv: { max_record_size: 40 } })).bad,
      ).toEqual(whole.bad)
  })

  it('reports the first bad cell, or that the row is ragged, which explains it', async () => {
    const schema = schemaOf({ a: 'integer', b: 'integer', c: 'integer' })
    expect(await badOf('c,b,a\n1,x,y\nx,1\nx,1,1,1\n', schema, { scanner })).toMatchObject([
      { code: 'not_integer', field: 'b' },
      { code: 'ragged_row' },
      { code: 'ragged_row' },
    ])
  })

  it('fails a record by the date rule that comes first in its pipeline, whatever the order of columns', async () => {
    const rule = (step: string, order: number) => ({
      step,
      formats: ['iso'],
      zone: 'UTC',
      to: 'yyyy',
      field: `at ${step}`,
      order,
    })
    for (const [first, second] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const push = {
        columns: [
          { name: 'x', from: 'a', date: rule('one', first) },
          { name: 'y', from: 'b', date: rule('two', second) },
        ],
      }
      expect(await badOf('b,a\n?,?\n', ab, { scanner, read: { push } })).toMatchObject([
        { step: first === 0 ? 'one' : 'two', field: first === 0 ? 'at one' : 'at two' },
      ])
    }
  })

  it('makes every record bad where the header cannot be trusted', async () => {
    const cases: [header: string, code: string, field: string | undefined][] = [
      ['a,b,a', 'duplicate_column', 'a'],
      ['a,b,__proto__', 'forbidden_column', '__proto__'],
      ['a,"b"x,c', 'bad_quote', 'b'],
      ['a,b,caf\xe9', 'bad_encoding', undefined],
    ]
    for (const [header, code, field] of cases) {
      const seen = await readCsv(Buffer.from(`${header}\n1,2,3\n4\n`, 'latin1'), ab, { scanner })
      expect(seen.rows).toEqual([])
      expect(seen.bad.map((bad) => [bad.code, bad.field, bad.bytes])).toEqual([
        [code, field, `${header}\n`],
        [code, field, '1,2,3\n'],
        [code, field, '4\n'],
      ])
    }
    expect((await readCsv('a,b,c\n1,2,3\n', ab, { scanner, read: { unknownFields: 'error' } })).bad).toMatchObject([
      { code: 'unknown_field', field: 'c' },
      { code: 'unknown_field', field: 'c' },
    ])
  })

  it('drops or keeps columns that the schema does not name', async () => {
    const schema = schemaOf({ b: 'integer' })
    expect(await rowsOf('x,b,constructor\n1,2,\n', schema, { scanner })).toEqual([{ b: 2 }])
    const kept = await rowsOf('x,b,constructor\n1,2,\n', schema, { scanner, read: { unknownFields: 'keep' } })
    expect(kept).toEqual([{ b: 2, x: '1', constructor: null }])
    expect(Object.keys(kept[0]!)).toEqual(['b', 'x', 'constructor'])
  })

  it('reads without a header in the order of the schema', async () => {
    expect(await rowsOf('1,2\n', ab, { scanner, csv: { header: false } })).toEqual([{ a: '1', b: '2' }])
    // JavaScript puts 2020 and 2021 before `name`, so the order of the columns is unknown.
    const years: RecordType = { fields: { name: ab.fields['a']!, 2021: ab.fields['a']!, 2020: ab.fields['a']! } }
    await expect(rowsOf('alice,10,20\n', years, { scanner, csv: { header: false } })).rejects.toMatchObject({
      code: 'bad_field_name',
    })
    expect(await rowsOf('name,2021,2020\nalice,10,20\n', years, { scanner })).toEqual([
      { name: 'alice', 2021: '10', 2020: '20' },
    ])
    expect(await badOf('1,2,3\n', ab, { scanner, csv: { header: false } })).toMatchObject([
      { code: 'ragged_row', position: 0 },
    ])
  })

  it('reads other delimiters and quotes, or none', async () => {
    expect(await rowsOf("a\tb\n'x\ty'\t'it''s'\n", ab, { scanner, csv: { delimiter: '\t', quote: "'" } })).toEqual([
      { a: 'x\ty', b: "it's" },
    ])
    expect(await rowsOf('a|b\n"x|y"\n', ab, { scanner, csv: { delimiter: '|', quote: '' } })).toEqual([
      { a: '"x', b: 'y"' },
    ])
  })

  it('reads every encoding, with and without its byte order mark', async () => {
    const text = 'a,b\r\n"£5, or ""less""",\u00ff\r\nplain,x\r\n'
    const rows = [
      { a: '£5, or "less"', b: '\u00ff' },
      { a: 'plain', b: 'x' },
    ]
    for (const encoding of encodings) {
      for (const mark of encodeText('\ufeff', encoding) ? ['', '\ufeff'] : ['']) {
        const bytes = encodeText(mark + text, encoding)!
        for (const size of [1, 2, 3, 1000]) {
          const seen = await readCsv(inChunks(bytes, size), ab, { scanner, csv: { encoding } })
          expect({ encoding, size, rows: seen.rows, bad: seen.bad }).toEqual({ encoding, size, rows, bad: [] })
          expect(seen.raw.map((raw) => raw.length).reduce((sum, n) => sum + n)).toBe(bytes.length - Number(seen.at[0]))
        }
      }
    }
    const astral = encodeText('a,b\n😀,日本\n', 'utf-16be')!
    expect((await readCsv(inChunks(astral, 3), ab, { scanner, csv: { encoding: 'utf-16be' } })).rows).toEqual([
      { a: '😀', b: '日本' },
    ])
    expect(await rowsOf('a,b\n😀,日本\n', ab, { scanner })).toEqual([{ a: '😀', b: '日本' }])
    expect(await rowsOf('a,b\n\ufffd,\ufeff\n', ab, { scanner })).toEqual([{ a: '\ufffd', b: '\ufeff' }])
  })

  it('refuses bytes that do not belong to the encoding, even in columns that nothing reads', async () => {
    const bytes = Buffer.from('a,b,c\nfine,caf\xe9,x\nfine,fine,\xa3\nfine,"\xa3",x\nfine,ok,x\n', 'latin1')
    for (const schema of [ab, schemaOf({ a: 'string' })]) {
      const { rows, bad } = await readCsv(bytes, schema, { scanner })
      expect(bad.map(({ code, field }) => [code, field])).toEqual([
        ['bad_encoding', 'b'],
        ['bad_encoding', 'c'],
        ['bad_encoding', 'b'],
      ])
      expect(rows).toHaveLength(1)
    }
    for (const encoding of ['utf-16le', 'utf-16be'] as const) {
      const wide = Buffer.concat([
        encodeText('a,b\n1,2\n', encoding)!,
        encodeText('x', encoding)!.subarray(),
        Buffer.from(encoding === 'utf-16le' ? [0, 0xd8] : [0xd8, 0]),
        encodeText(',y\n3,4\n', encoding)!,
      ])
      const seen = await readCsv(inChunks(wide, 5), ab, { scanner, csv: { encoding } })
      expect(seen.rows).toHaveLength(2)
      expect(seen.bad).toMatchObject([{ code: 'bad_encoding', field: 'a', position: 16 }])
      const cut = await readCsv(Buffer.concat([encodeText('a,b\n1,2\n3,4', encoding)!, Buffer.from([0x20])]), ab, {
        scanner,
        csv: { encoding },
      })
      expect([cut.rows.length, cut.bad[0]!.code, cut.bad[0]!.bytes.length]).toEqual([1, 'bad_encoding', 7])
    }
  })
})

describe('a CSV reader', () => {
  it("returns each record's position and bytes, and resumes after every piece", async () => {
    const lines = Array.from(
      { length: 2500 },
      (_, i) => `${i},${i % 7 ? `text ${i}` : '"quo""ted\n"'}${i % 3 ? '\n' : '\r\n'}`,
    )
    const schema = schemaOf({ a: 'integer', b: 'string' })
    const bytes = Buffer.from(`a,b\n${lines.join('')}`)
    const whole = await readCsv(inChunks(bytes, 10_000), schema)
    expect(whole.raw).toEqual(lines)
    expect(whole.at).toEqual(
      lines.reduce<number[]>((at, line, i) => [...at, i ? at[i - 1]! + lines[i - 1]!.length : 4], []),
    )
    expect(whole.bytes).toBe(bytes.length - 4)
    expect(
      Math.max(...whole.pieces.map((piece, i) => piece.rows - (whole.pieces[i - 1]?.rows ?? 0))),
    ).toBeLessThanOrEqual(1000)
    for (const { position, rows } of whole.pieces) {
      const rest = await readCsv(inChunks(bytes, 5000), schema, { from: position })
      expect(rest.rows).toEqual(whole.rows.slice(rows))
      expect(rest.at).toEqual(whole.at.slice(rows))
    }
  })

  it('resumes in the middle of a line that is too large', async () => {
    const bytes = Buffer.from(`a,b\n1,2\nx,${'y'.repeat(200)}\n3,4\n`)
    const csv = { max_record_size: 64 }
    const whole = await readCsv(bytes, ab, { csv })
    expect(whole.pieces.some(({ position }) => (position as { inside?: true }).inside)).toBe(true)
    for (const { position, rows, bad } of whole.pieces) {
      const rest = await readCsv(bytes, ab, { csv, from: position })
      expect([rest.rows, rest.bad]).toEqual([whole.rows.slice(rows), whole.bad.slice(bad)])
    }
  })

  it('says which declared columns a header lacks, and what may have been meant', async () => {
    const failing = (text: string) =>
      readCsv(text, schemaOf({ Quantity: 'integer?', Price: 'number' })).catch(
        (error: unknown) => error as MillraceError,
      )
    expect(await failing('quantity,Price\n')).toMatchObject({
      code: 'missing_column',
      exitCode: 1,
      message: expect.stringContaining('"Quantity"'),
      hint: expect.stringContaining('"quantity"'),
    })
    expect(await failing('Quantity;Price\n')).toMatchObject({
      code: 'missing_column',
      hint: expect.stringContaining('delimiter ";"'),
    })
    expect(await failing('a,b\n')).toBeInstanceOf(MillraceError)
  })

  it('reads no records from an input without bytes', async () => {
    for (const text of ['', '\n', '\r\n\n']) expect(await rowsOf(text)).toEqual([])
    expect(await rowsOf('a,b')).toEqual([])
  })

  it('reports a header that never ends', async () => {
    await expect(rowsOf('"a,b\n1,2\n')).rejects.toMatchObject({ code: 'unclosed_quote' })
    await expect(rowsOf(`"a,b\n${'1,2\n'.repeat(100)}`, ab, { csv: { max_record_size: 64 } })).rejects.toMatchObject({
      code: 'unclosed_quote',
    })
  })

  it('names the encoding that a byte order mark indicates', async () => {
    await expect(readCsv(encodeText('\ufeffa,b\n1,2\n', 'utf-16le')!, ab)).rejects.toMatchObject({
      code: 'bad_encoding',
      hint: expect.stringContaining('utf-16le'),
    })
    await expect(
      readCsv(encodeText('\ufeffa,b\n1,2\n', 'utf-8')!, ab, { csv: { encoding: 'latin1' } }),
    ).rejects.toMatchObject({ code: 'bad_encoding' })
  })

  it('decodes one record again from its bytes and context, without what was pushed', async () => {
    const schema = schemaOf({ n: 'integer', s: 'string' })
    const push = { columns: [{ name: 'only', from: 'n' }] }
    const seen = await readCsv('s,n\n"x\n""y",1\nz,oops\n', schema, { read: { push } })
    expect(seen.rows).toEqual([{ only: 1 }])
    const { decode } = createCsvReader({}, { schema, unknownFields: 'drop', push })
    expect(decode!(Buffer.from(seen.raw[0]!), seen.contexts[0])).toEqual({ n: 1, s: 'x\n"y' })
    const refusal = (bytes: string, context = seen.contexts[0]) => {
      try {
        return decode!(Buffer.from(bytes), context)
      } catch (error) {
        return error
      }
    }
    expect(refusal(seen.bad[0]!.bytes)).toMatchObject({ code: 'not_integer', field: 'n' })
    expect(refusal('1,2\n3,4\n')).toBeInstanceOf(DataError)
    expect(refusal('')).toMatchObject({ code: 'not_one_record' })
    expect(refusal('1,"2')).toMatchObject({ code: 'unclosed_quote' })
    expect(refusal('1,2', { header: ['a', 'b'] })).toMatchObject({ code: 'missing_column' })
    expect(refusal('1,2', { header: ['n', 'n'] })).toMatchObject({ code: 'duplicate_column' })
    expect(decode!(Buffer.from('x,7'), seen.contexts[0])).toEqual({ n: 7, s: 'x' })
  })
})
