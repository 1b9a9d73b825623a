import type { RecordType, Row, Type } from '@millrace/core'
import { describe, expect, test, vi } from 'vitest'
import { jsonArrayWriter, jsonLinesWriter } from '../src/json/write.ts'

const field = (type: Type, optional = false) => ({ type, optional })
const every: RecordType = {
  fields: {
    text: field({ kind: 'string' }, true),
    flag: field({ kind: 'boolean' }),
    count: field({ kind: 'integer' }),
    big: field({ kind: 'bigint' }),
    real: field({ kind: 'number' }),
    money: field({ kind: 'decimal', precision: 20, scale: 2 }),
    day: field({ kind: 'date' }),
    at: field({ kind: 'timestamp' }, true),
    raw: field({ kind: 'bytes' }),
    tags: field({ kind: 'list', of: field({ kind: 'bigint' }) }),
    inner: field({ kind: 'object', record: { fields: { at: field({ kind: 'timestamp' }) } } }),
    any: field({ kind: 'json' }),
  },
}
const row: Row = {
  text: 'a',
  flag: true,
  count: -12,
  big: 9007199254740993n,
  real: 2.55,
  money: '12345678901234567.80',
  day: '2010-12-01',
  at: 1291191960000,
  raw: Buffer.from('hi'),
  tags: [1n, -9223372036854775808n],
  inner: { at: 0 },
  any: { a: [1, null] },
}

function lines(schema: RecordType, rows: readonly Row[], options = {}): string {
  const writer = jsonLinesWriter(schema, options)()
  expect(writer.write(rows)).toEqual({ taken: rows.length })
  return Buffer.from(writer.take()).toString('utf8') + Buffer.from(writer.finish()).toString('utf8')
}

// The interpreted twin runs where generated code is not allowed.
describe.each(['generated', 'interpreted'])('%s', (how) => {
  const write = async (schema: RecordType, rows: readonly Row[], options = {}): Promise<string> => {
    if (how === 'generated') return lines(schema, rows, options)
    vi.stubEnv('MILLRACE_CODEGEN', 'off')
    vi.resetModules()
    const fresh = await import('../src/json/write.ts')
    vi.unstubAllEnvs()
    const writer = fresh.jsonLinesWriter(schema, options)()
    writer.write(rows)
    return Buffer.from(writer.take()).toString('utf8')
  }

  test('each type has one form in JSON, and integers that JSON readers would round are text', async () => {
    expect(await write(every, [row])).toBe(
      '{"text":"a","flag":true,"count":-12,"big":"9007199254740993","real":2.55,"money":"12345678901234567.80","day":"2010-12-01",' +
        '"at":"2010-12-01T08:26:00.000Z","raw":"aGk=","tags":["1","-9223372036854775808"],"inner":{"at":"1970-01-01T00:00:00.000Z"},"any":{"a":[1,null]}}\n',
    )
  })

  test('numbers print as JSON.stringify prints them', async () => {
    const reals = [
      0,
      -0,
      0.1,
      0.29,
      0.57,
      1.005,
      9.99,
      99.995,
      999.99,
      999.999,
      1000,
      1000.5,
      1e21,
      1e-7,
      -2.5,
      4.35,
      8.2,
      123.45,
      5e-324,
      Number.MAX_VALUE,
    ]
    for (let i = 0; i < 5000; i++) reals.push(i / 100, Math.random() * 1100, i * 0.7)
    const schema: RecordType = { fields: { n: field({ kind: 'number' }) } }
    expect(
      await write(
        schema,
        reals.map((n) => ({ n })),
      ),
    ).toBe(reals.map((n) => `${JSON.stringify({ n })}\n`).join(''))
    const whole = [0, 9, 10, 99, 100, 999, 1000, 1001, -1, -999, 2147483648, 9007199254740991, -9007199254740991]
    const integers: RecordType = { fields: { n: field({ kind: 'integer' }) } }
    expect(
      await write(
        integers,
        whole.map((n) => ({ n })),
      ),
    ).toBe(whole.map((n) => `${JSON.stringify({ n })}\n`).join(''))
  })

  test('texts are escaped so that any line reader can read them back', async () => {
    const schema: RecordType = { fields: { text: field({ kind: 'string' }) } }
    const texts = [
      '',
      '"',
      '\\',
      'a\nb\r\n\t\u0000\u001f\u007f',
      '£ € 😀',
      '\ud800',
      'x\udc00y',
      '\u2028\u2029',
      'é'.repeat(1000),
      '\u0080\u00ff',
      '"'.repeat(300_000),
    ]
    const written = await write(
      schema,
      texts.map((text) => ({ text })),
    )
    const back = written.split('\n').slice(0, -1)
    expect(back.map((line) => (JSON.parse(line) as Row)['text'])).toEqual(texts)
    expect(written).not.toMatch(/[\u2028\u2029]/)
    expect(written.isWellFormed()).toBe(true)
  })

  test('a null is written, or its key omitted', async () => {
    const schema: RecordType = {
      fields: {
        a: field({ kind: 'string' }, true),
        b: field({ kind: 'integer' }, true),
        c: field({ kind: 'json' }, true),
      },
    }
    const rows: Row[] = [
      { a: null, b: null, c: null },
      { a: 'x', b: 1 },
      { a: null, b: 2, c: [null] },
    ]
    expect(await write(schema, rows)).toBe(
      '{"a":null,"b":null,"c":null}\n{"a":"x","b":1,"c":null}\n{"a":null,"b":2,"c":[null]}\n',
    )
    expect(await write(schema, rows, { nulls: 'omit' })).toBe('{}\n{"a":"x","b":1}\n{"b":2,"c":[null]}\n')
  })

  test('names that every object inherits, and names that need escapes, are keys like any other', async () => {
    const schema: RecordType = {
      fields: {
        constructor: field({ kind: 'string' }, true),
        'say "hi"': field({ kind: 'integer' }),
      } as RecordType['fields'],
    }
    Object.defineProperty(schema.fields, '__proto__', { value: field({ kind: 'integer' }, true), enumerable: true })
    const full = JSON.parse('{"constructor":"c","say \\"hi\\"":1,"__proto__":2}') as Row
    expect(await write(schema, [full, { 'say "hi"': 3 }])).toBe(
      '{"constructor":"c","say \\"hi\\"":1,"__proto__":2}\n{"constructor":null,"say \\"hi\\"":3,"__proto__":null}\n',
    )
  })

  test('an open record includes the fields that its type does not name', async () => {
    const schema: RecordType = { fields: { a: field({ kind: 'integer' }) }, open: true }
    expect(await write(schema, [{ a: 1, more: 'x', deep: { y: null } }, { a: 2 }])).toBe(
      '{"a":1,"more":"x","deep":{"y":null}}\n{"a":2}\n',
    )
  })
})

test('a time that has no textual form is refused, and only its row', () => {
  const writer = jsonLinesWriter({ fields: { at: field({ kind: 'timestamp' }) } })()
  const { refused } = writer.write([{ at: 0 }, { at: 8.64e15 }, { at: 1 }])
  expect(refused).toMatchObject([{ index: 1, code: 'out_of_range' }])
  expect(Buffer.from(writer.take()).toString()).toBe(
    '{"at":"1970-01-01T00:00:00.000Z"}\n{"at":"1970-01-01T00:00:00.001Z"}\n',
  )
})

test('bytes are taken in parts that join to the whole', () => {
  const writer = jsonLinesWriter(every)()
  const parts: Uint8Array[] = []
  for (let i = 0; i < 100; i++) {
    writer.write(Array.from({ length: 37 }, () => row))
    if (i % 7 === 0) parts.push(Buffer.from(writer.take()))
  }
  expect(writer.pendingBytes).toBeGreaterThan(0)
  parts.push(Buffer.from(writer.finish()))
  expect(Buffer.concat(parts).toString()).toBe(
    lines(
      every,
      Array.from({ length: 3700 }, () => row),
    ),
  )
})

test('an array contains all rows of its writes, or none', () => {
  const schema: RecordType = { fields: { n: field({ kind: 'integer' }) } }
  const write = (...calls: Row[][]): unknown => {
    const writer = jsonArrayWriter(schema)()
    const parts = calls.map((rows) => {
      writer.write(rows)
      return Buffer.from(writer.take())
    })
    return JSON.parse(Buffer.concat([...parts, writer.finish()]).toString())
  }
  expect(write()).toEqual([])
  expect(write([])).toEqual([])
  expect(write([], [{ n: 1 }], [], [{ n: 2 }, { n: 3 }])).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
})
