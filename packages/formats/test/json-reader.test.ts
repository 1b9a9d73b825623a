import type { Push, RecordType, Row, Type } from '@millrace/core'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createJsonReader } from '../src/json/array.ts'
import { createJsonLinesReader } from '../src/json/lines.ts'
import { jsonArrayWriter, jsonLinesWriter } from '../src/json/write.ts'
import type { ByteSource, Piece, ReadOptions, RecordReader } from '../src/reader.ts'

const field = (type: Type, optional = false) => ({ type, optional })
const schema: RecordType = { fields: { id: field({ kind: 'integer' }), name: field({ kind: 'string' }, true) } }
const signal = new AbortController().signal
const plain: ReadOptions = { schema, unknownFields: 'drop' }

/** The bytes in chunks of `size`, each a separate buffer. */
const source = (bytes: Uint8Array, size = bytes.length || 1): ByteSource => ({
  size: bytes.length,
  async *stream(from) {
    for (let at = from; at < bytes.length; at += size) yield Uint8Array.from(bytes.subarray(at, at + size))
  },
  slice: (start, end) => Promise.resolve(bytes.subarray(start, end)),
})

interface Read {
  rows: Row[]
  bad: string[]
  raws: string[]
  positions: (string | number)[]
  pieces: Piece[]
}

async function readAll(
  reader: RecordReader,
  text: string | Uint8Array,
  size?: number,
  at?: Piece['position'],
): Promise<Read> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const read: Read = { rows: [], bad: [], raws: [], positions: [], pieces: [] }
  for await (const piece of reader.read(source(bytes, size), at, signal)) {
    read.pieces.push(piece)
    read.rows.push(...piece.rows)
    piece.rows.forEach((_, i) => {
      read.raws.push(Buffer.from(piece.rawAt!(i)).toString())
      read.positions.push(piece.positionAt(i))
    })
    for (const bad of piece.bad ?? []) read.bad.push(`${bad.position} ${bad.code}${bad.field ? ` ${bad.field}` : ''}`)
  }
  return read
}

const lines = (options: Partial<ReadOptions> = {}) => createJsonLinesReader({}, { ...plain, ...options })

describe('JSON lines', () => {
  test('rows, their positions and their original bytes, whatever the line endings', async () => {
    const text = '\ufeff{"id":1,"name":"a"}\r\n\n  \n{"name":"£ 😀","id":2}\n{"id":3}'
    const read = await readAll(lines(), text)
    expect(read.rows).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: '£ 😀' },
      { id: 3, name: null },
    ])
    const bytes = Buffer.from(text)
    expect(read.positions).toEqual(['{"id":1', '{"name":"£', '{"id":3'].map((start) => bytes.indexOf(start)))
    expect(read.raws).toEqual(['{"id":1,"name":"a"}\r', '{"name":"£ 😀","id":2}', '{"id":3}'])
    expect(read.pieces.at(-1)!.position).toEqual({ offset: bytes.length })
    expect(read.bad).toEqual([])
  })

  test('the result is the same however the bytes are split, and from every position on', async () => {
    const text = `{"id":1}\n{"id":"x"}\r\n\n{"id":3,"name":"é😀"}\n{"id":4,"id":5}\n{"id":${'1'.repeat(400)}}\n{"id":6,"name":"${'y'.repeat(600)}"}\nnope\n{"id":7}`
    const reader = createJsonLinesReader({ max_record_size: 256 }, plain)
    const whole = await readAll(reader, text)
    expect(whole.rows.map((row) => row['id'])).toEqual([1, 3, 7])
    for (let size = 1; size < 300; size++) {
      const { pieces: _, ...cut } = await readAll(reader, text, size)
      const { pieces: __, ...expected } = whole
      expect(cut).toEqual(expected)
    }
    const small = await readAll(reader, text, 5)
    for (let p = 0; p < small.pieces.length; p++) {
      const before = small.pieces.slice(0, p + 1).reduce((n, piece) => n + piece.rows.length, 0)
      const after = await readAll(reader, text, 7, small.pieces[p]!.position)
      expect(after.rows).toEqual(whole.rows.slice(before))
      expect(after.positions).toEqual(whole.positions.slice(before))
    }
  })

  test('what is not a record is bad alone, with its bytes', async () => {
    const read = await readAll(
      lines(),
      '{"id":1}\n{"id":1,}\n[1]\nnull\n"x"\n{"id":1}{"id":2}\n{"id":null}\n{}\n{"id":1.5}\n{"id":"1"}\n{"id":9007199254740992}\n{"id":2}\n',
    )
    expect(read.rows.map((row) => row['id'])).toEqual([1, 2])
    expect(read.bad.map((bad) => bad.replace(/^\d+ /, ''))).toEqual([
      'bad_json',
      'not_object',
      'not_object',
      'not_object',
      'bad_json',
      'missing_value id',
      'missing_value id',
      'not_integer id',
      'not_integer id',
      'out_of_range id',
    ])
    expect(Buffer.from(read.pieces[0]!.bad![0]!.bytes).toString()).toBe('{"id":1,}')
  })

  test('bytes that are not UTF-8 make their line bad and no other', async () => {
    const latin1 = Buffer.from('{"id":1,"name":"£"}\n{"id":2,"name":"ok"}\n{"id":3,"name":"\u00e9"}\n', 'latin1')
    const read = await readAll(lines(), latin1)
    expect(read.rows).toEqual([{ id: 2, name: 'ok' }])
    expect(read.bad).toEqual(['0 bad_encoding', '41 bad_encoding'])
    expect(read.positions).toEqual([20])
  })

  test('a duplicate key is found, in plain lines and in strange ones', async () => {
    const read = await readAll(
      lines({ schema: { fields: { ...schema.fields, any: field({ kind: 'json' }, true) } } }),
      [
        '{"id":1,"name":"a\\":b: \\"c\\":"}',
        '{"id":1,"id":2}',
        '{"id" : 3,"id"\t:4}',
        '{"\\u0069d":1,"id":5}',
        '{"id":6,"unknown":{"x":1,"y":{"x":2}}}',
        '{"id":7,"unknown":{"x":1,"x":2}}',
        '{"id":8,"any":[{"x":1},{"x":2},{"x":{"x":1}}]}',
        '{"id":9,"any":[{"x":1,"x":2}]}',
        '{ "id" : 10 , "name" : " : \\" : " }',
      ].join('\n'),
    )
    expect(read.rows.map((row) => row['id'])).toEqual([1, 6, 8, 10])
    expect(read.bad.map((bad) => bad.replace(/^\d+ /, ''))).toEqual([
      'duplicate_key id',
      'duplicate_key id',
      'duplicate_key id',
      'duplicate_key x',
      'duplicate_key x',
    ])
  })

  test('numbers are exact or refused', async () => {
    const exact: RecordType = {
      fields: {
        big: field({ kind: 'bigint' }, true),
        money: field({ kind: 'decimal', precision: 38, scale: 12 }, true),
        whole: field({ kind: 'integer' }, true),
        real: field({ kind: 'number' }, true),
        any: field({ kind: 'json' }, true),
        list: field({ kind: 'list', of: field({ kind: 'decimal', precision: 38, scale: 12 }) }, true),
      },
    }
    const one = async (json: string): Promise<unknown> => {
      const read = await readAll(lines({ schema: exact }), json)
      if (read.rows.length === 0) return read.bad[0]!.replace(/^\d+ /, '')
      return Object.values(read.rows[0]!).find((value) => value !== null)
    }
    expect(await one('{"big":9007199254740993}')).toBe(9007199254740993n)
    expect(await one('{"big":"-9223372036854775808"}')).toBe(-9223372036854775808n)
    expect(await one('{"big":-12}')).toBe(-12n)
    expect(await one('{"big":9223372036854775808}')).toBe('out_of_range big')
    expect(await one('{"big":1.5}')).toBe('not_integer big')
    expect(await one('{"money":1234567.10000000001}')).toBe('1234567.100000000010')
    expect(await one('{"money":0.1}')).toBe('0.100000000000')
    expect(await one('{"money":12345678901234567890}')).toBe('12345678901234567890.000000000000')
    expect(await one('{"money":0.10000000000000000001}')).toBe('out_of_range money')
    expect(await one('{"money":1e-400}')).toMatch(/money$/)
    expect(await one('{"big":10000000000000000}')).toBe(10000000000000000n)
    expect(await one('{"money":123456789012345.67}')).toBe('123456789012345.670000000000')
    expect(await one('{"whole":9007199254740991}')).toBe(9007199254740991)
    expect(await one('{"whole":1.0000000000000000001}')).toBe('not_integer whole')
    expect(await one('{"whole":1e-400}')).toBe('not_integer whole')
    expect(await one('{"whole":10000000000000000001e-19}')).toBe('not_integer whole')
    expect(await one('{"whole":100000000000000.001}')).toBe('not_integer whole')
    expect(await one('{"x":"1234567890123456789.5","whole":7}')).toBe(7)
    expect(await one('{"whole":9007199254740993}')).toBe('out_of_range whole')
    expect(await one('{"whole":9007199254740990.6}')).toBe('not_integer whole')
    expect(await one('{"real":0.1000000000000000055}')).toBe(0.1)
    expect(await one('{"real":1e400}')).toBe('out_of_range real')
    expect(await one('{"any":{"x":[9007199254740993]}}')).toEqual({ x: [9007199254740993n] })
    expect(await one('{"any":{"x":[1e400]}}')).toBe('out_of_range any')
    expect(await one('{"any":{"x":[0.30000000000000004, 1e21]}}')).toEqual({ x: [0.30000000000000004, 1e21] })
    expect(await one('{"list":[1234567.10000000001, "2", 3.5]}')).toEqual([
      '1234567.100000000010',
      '2.000000000000',
      '3.500000000000',
    ])
  })

  test('fields that the schema does not name are dropped, refused or kept', async () => {
    const text = '{"id":1,"more":2,"__proto__":{"x":1}}\n{"id":2}\n'
    expect((await readAll(lines(), text)).rows).toEqual([
      { id: 1, name: null },
      { id: 2, name: null },
    ])
    const refused = await readAll(lines({ unknownFields: 'error' }), text)
    expect(refused.rows).toEqual([{ id: 2, name: null }])
    expect(refused.bad).toEqual(['0 unknown_field more'])
    const counted = await readAll(
      lines({ schema: { fields: { o: field({ kind: 'object', record: schema }) } } }),
      '{"o":{"id":1,"more":2},"x":3}\n{"o":{"more":2}}\n',
    )
    expect(counted.pieces[0]!.unknown).toBe(2)
    const kept = await readAll(lines({ unknownFields: 'keep' }), text)
    expect(Object.entries(kept.rows[0]!)).toEqual([
      ['id', 1],
      ['name', null],
      ['more', 2],
      ['__proto__', { x: 1 }],
    ])
    const long = await readAll(lines({ unknownFields: 'keep' }), '{"id":1,"more":12345678901234567890}')
    expect(long.rows).toEqual([{ id: 1, name: null, more: 12345678901234567890n }])
  })

  test('names that every object inherits are fields like any other', async () => {
    const fields = { constructor: field({ kind: 'string' }, true) }
    Object.defineProperty(fields, '__proto__', { value: field({ kind: 'integer' }, true), enumerable: true })
    const read = await readAll(
      lines({ schema: { fields } }),
      '{"constructor":"c","__proto__":1}\n{}\n{"__proto__":"x"}\n',
    )
    expect(read.rows.map((row) => Object.entries(row))).toEqual([
      [
        ['constructor', 'c'],
        ['__proto__', 1],
      ],
      [
        ['constructor', null],
        ['__proto__', null],
      ],
    ])
    expect(read.bad).toEqual([expect.stringContaining('not_integer __proto__')])
  })

  test('columns, names and dates pushed down; a bad date names its step', async () => {
    const dated: RecordType = {
      fields: {
        when: field({ kind: 'string' }, true),
        id: field({ kind: 'integer' }),
        other: field({ kind: 'integer' }, true),
      },
    }
    const rule = { step: 'dates', formats: ['M/d/yyyy H:mm'], zone: 'UTC' }
    const push: Push = {
      columns: [
        { name: 'at', from: 'when', date: { ...rule, field: 'when', order: 0 } },
        { name: 'day', from: 'when', date: { ...rule, to: 'yyyy-MM-dd', order: 1 } },
        { name: 'number', from: 'id' },
      ],
    }
    const reader = lines({ schema: dated, push })
    const read = await readAll(
      reader,
      '{"id":1,"when":"12/1/2010 8:26"}\n{"id":2,"when":"30/2/2010 8:26"}\n{"id":3}\n{"id":4,"other":"x"}\n',
    )
    expect(read.rows).toEqual([
      { at: 1291191960000, day: '2010-12-01', number: 1 },
      { at: null, day: null, number: 3 },
    ])
    expect(read.bad).toEqual(['33 bad_date when', '75 not_integer other'])
    expect(read.pieces[0]!.bad![0]!.step).toBe('dates')
    expect(reader.decode!(Buffer.from('{"id":2,"when":"30/2/2010 8:26"}'), undefined)).toEqual({
      id: 2,
      when: '30/2/2010 8:26',
      other: null,
    })
  })

  test('a record is decoded again from its bytes, or refused as it was', () => {
    const reader = lines()
    expect(reader.decode!(Buffer.from('{"id":1}\r'), undefined)).toEqual({ id: 1, name: null })
    for (const [bytes, code] of [
      ['{"id":1,"id":1}', 'duplicate_key'],
      ['{"id":true}', 'not_integer'],
      ['{', 'bad_json'],
      [Buffer.from('{"id":1,"name":"\u00e9"}', 'latin1'), 'bad_encoding'],
    ] as const)
      expect(() => reader.decode!(Buffer.from(bytes as string), undefined)).toThrow(expect.objectContaining({ code }))
  })

  test('a part of a line that was too long never passes for a record', async () => {
    const reader = createJsonLinesReader({ max_record_size: 16 }, plain)
    const read = await readAll(reader, `{"id":1}        {"id":2}\n{"id":3}\n`)
    expect(read.rows).toEqual([{ id: 3, name: null }])
    const [first] = read.pieces
    expect(first!.bad!.map((bad) => Buffer.from(bad.bytes).toString())).toEqual(['{"id":1}        ', '{"id":2}'])
    for (const bad of first!.bad!)
      expect(() => reader.decode!(bad.bytes, first!.context)).toThrow(
        expect.objectContaining({ code: 'record_too_large' }),
      )
  })
})

test('a long run of digits in a text takes time linear in its length', async () => {
  const row = { id: 1, name: '1'.repeat(900_000) }
  expect((await readAll(lines(), `${JSON.stringify(row)}\n`)).rows).toEqual([row])
})

describe('JSON arrays', () => {
  const array = (options: Partial<ReadOptions> = {}, size?: number) =>
    createJsonReader(size === undefined ? {} : { max_record_size: size }, { ...plain, ...options })

  test('elements with their positions, however the bytes are split and from every position on', async () => {
    const text =
      '\ufeff [ {"id":1,"name":"],}\\"{["} ,\n{"id":2, "name" : "é"},3,{"id":"x"},{"id":4,"id":5},{"id":1e400} , {"id":6}\n]\n'
    const whole = await readAll(array(), text)
    expect(whole.rows.map((row) => row['id'])).toEqual([1, 2, 6])
    expect(whole.bad.map((bad) => bad.replace(/^\d+ /, ''))).toEqual([
      'not_object',
      'not_integer id',
      'duplicate_key id',
      'out_of_range id',
    ])
    for (let size = 1; size < 60; size++) {
      const { pieces: _, ...cut } = await readAll(array(), text, size)
      const { pieces: __, ...expected } = whole
      expect(cut).toEqual(expected)
    }
    const many = `[${Array.from({ length: 2500 }, (_, id) => `{"id":${id}}`).join(',')}]`
    const read = await readAll(array(), many, 100)
    expect(read.rows.length).toBe(2500)
    expect(read.pieces.length).toBeGreaterThan(2)
    for (const [p, piece] of read.pieces.entries()) {
      const before = read.pieces.slice(0, p + 1).reduce((n, { rows }) => n + rows.length, 0)
      expect((await readAll(array(), many, 1000, piece.position)).rows).toEqual(read.rows.slice(before))
    }
  })

  test('a byte that is not text is bad at its position, and never skipped', async () => {
    const one = async (text: string) => {
      const { rows, bad } = await readAll(array(), Buffer.from(text, 'latin1'))
      return { rows: rows.map((row) => row['id']), bad }
    }
    expect(await one('[\xff]')).toEqual({ rows: [], bad: ['1 bad_encoding'] })
    expect(await one('[\xff{"id":1},{"id":2}]')).toEqual({ rows: [2], bad: ['1 bad_encoding'] })
    await expect(readAll(array(), Buffer.from('\xff[{"id":1}]', 'latin1'))).rejects.toThrow(
      'does not begin with an array (byte 0)',
    )
  })

  test('an empty array has no rows', async () => {
    for (const text of ['[]', ' [ ] ', '\ufeff[\n]']) expect((await readAll(array(), text)).rows).toEqual([])
  })

  test('what is not an array, is cut off or continues is refused with the byte', async () => {
    for (const text of ['{"id":1}', '{"id":1}\n{"id":2}', '[{"id":1}', '[{"id":1', '', '[{"id":1}]]', '[{"id":1}]['])
      await expect(readAll(array(), text, 3)).rejects.toThrow(/byte \d+/)
    for (const text of ['[{"id":1},]', '[{"id":1},,{"id":2}]', '[,{"id":1}]', '[,]', '\ufeff\ufeff[]'])
      await expect(readAll(array(), text, 3)).rejects.toThrow(expect.objectContaining({ code: 'broken_file' }))
    await expect(readAll(array({}, 20), '[{"id":1,"name":"very long indeed"}]', 5)).rejects.toThrow(
      expect.objectContaining({ code: 'record_too_large' }),
    )
  })
})

const types: fc.Arbitrary<[Type, fc.Arbitrary<unknown>]> = fc.constantFrom<[Type, fc.Arbitrary<unknown>]>(
  [{ kind: 'string' }, fc.string({ unit: 'binary' })],
  [{ kind: 'string' }, fc.string()],
  [{ kind: 'boolean' }, fc.boolean()],
  [{ kind: 'integer' }, fc.maxSafeInteger().map((n) => n + 0)],
  [{ kind: 'bigint' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ kind: 'number' }, fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0)],
  [
    { kind: 'decimal', precision: 20, scale: 3 },
    fc.bigInt({ min: 0n, max: 10n ** 17n - 1n }).map((n) => `${n}.${String(n % 1000n).padStart(3, '0')}`),
  ],
  [
    { kind: 'timestamp' },
    fc
      .date({ min: new Date(-62135596800000), max: new Date(253402300799999), noInvalidDate: true })
      .map((date) => date.getTime()),
  ],
  [
    { kind: 'date' },
    fc
      .date({ min: new Date(0), max: new Date(253402300799999), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
  ],
  [{ kind: 'bytes' }, fc.uint8Array()],
  [{ kind: 'list', of: field({ kind: 'bigint' }, true) }, fc.array(fc.option(fc.bigInt({ min: -9n, max: 9n })))],
)

const table = fc
  .array(fc.tuple(fc.string({ minLength: 1 }), types, fc.boolean()), { minLength: 1, maxLength: 6 })
  .chain((columns) => {
    const named = columns.map(([name, [type, values], optional], k) => ({
      name: `${name}${k}`,
      type,
      optional,
      values: optional ? fc.option(values) : values,
    }))
    const record: RecordType = {
      fields: Object.fromEntries(named.map(({ name, type, optional }) => [name, field(type, optional)])),
    }
    return fc.record({
      record: fc.constant(record),
      rows: fc.array(fc.record(Object.fromEntries(named.map(({ name, values }) => [name, values]))), { maxLength: 20 }),
      nulls: fc.constantFrom('write' as const, 'omit' as const),
    })
  })

test('what is written is read back, as lines and as an array, generated and interpreted', async () => {
  vi.stubEnv('MILLRACE_CODEGEN', 'off')
  vi.resetModules()
  const twin = { ...(await import('../src/json/write.ts')), ...(await import('../src/json/lines.ts')) }
  vi.unstubAllEnvs()
  await fc.assert(
    fc.asyncProperty(table, async ({ record, rows, nulls }) => {
      const options: ReadOptions = { schema: record, unknownFields: 'error' }
      const forms = [
        [jsonLinesWriter, createJsonLinesReader],
        [jsonArrayWriter, createJsonReader],
        [twin.jsonLinesWriter, twin.createJsonLinesReader],
      ] as const
      for (const [write, read] of forms) {
        const writer = write(record, { nulls })()
        writer.write(rows)
        const back = await readAll(read({}, options), writer.finish(), 64)
        expect(back.bad).toEqual([])
        expect(back.rows).toEqual(rows.map((row) => ({ ...row })))
      }
    }),
    { numRuns: 150 },
  )
})
