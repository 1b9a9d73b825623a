import type { RecordType, Row } from '@millrace/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createJsonLinesReader } from '../src/json/lines.ts'
import { recordParser } from '../src/json/record.ts'
import { lineScan } from '../src/json/line-scan.ts'
import { Block, valueReader } from '../src/json/values.ts'
import { bytesSource, type ReadOptions } from '../src/reader.ts'

const of = (kind: 'string' | 'boolean' | 'integer' | 'bigint' | 'number' | 'date' | 'timestamp', optional = true) =>
  ({ type: { kind }, optional }) as const
const schema: RecordType = {
  fields: {
    name: of('string', false),
    'a "b"\n': of('string'),
    n: of('integer'),
    x: of('number'),
    yes: of('boolean'),
    big: of('bigint'),
    price: { type: { kind: 'decimal', precision: 8, scale: 2 }, optional: true },
    day: of('date'),
    at: of('timestamp'),
    __proto__x: of('string'),
    when: of('string'),
  },
}
const columns = [
  { name: 'when', from: 'when', date: { step: 'dates', formats: ['M/d/yyyy'], zone: 'UTC', to: 'yyyy-MM-dd' } },
  { name: '__proto__', from: 'name' },
  { name: 'x', from: 'x' },
]
const pushes: ReadOptions[] = [
  { schema, unknownFields: 'drop' },
  { schema, unknownFields: 'error' },
  { schema, unknownFields: 'drop', push: { columns } },
]
const keys = [...Object.keys(schema.fields), 'more']

/** JSON text of a value for each field, valid or nearly so. */
const nearly = fc.oneof(
  { weight: 4, arbitrary: fc.string().map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.integer().map(String) },
  { weight: 2, arbitrary: fc.double().map((n) => JSON.stringify(n)) },
  { weight: 2, arbitrary: fc.bigInt().map(String) },
  fc.stringMatching(/^-?[0-9]{1,17}(\.[0-9]{0,17})?([eE][-+]?[0-9]{1,3})?$/),
  fc.constantFrom(
    'null',
    'true',
    'false',
    '"12"',
    '"-0.10"',
    '"2024-02-29"',
    '"2024-01-01T00:00:00Z"',
    '"1/2/2024"',
    '"2/30/2024"',
    '0',
    '-0',
    '01',
    '1.',
    '.5',
    '{}',
    '[1]',
    'nul',
  ),
)
const right: Record<string, fc.Arbitrary<string>> = {
  name: fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
  n: fc.integer().map(String),
  x: fc.oneof(
    fc.integer().map((n) => JSON.stringify(n / 1000)),
    fc.double({ min: -1e15, max: 1e15, noNaN: true }).map((n) => JSON.stringify(n)),
  ),
  yes: fc.constantFrom('true', 'false'),
  big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => `"${n}"`),
  price: fc.integer({ min: -99999, max: 99999 }).map((n) => `"${(n / 100).toFixed(2)}"`),
  day: fc.constantFrom('"2024-02-29"', '"1999-12-31"'),
  at: fc.constantFrom('"2024-01-01T00:00:00Z"', '"2024-01-01T00:00:00.5Z"'),
  when: fc.constantFrom('"1/2/2024"', '"12/31/1999"'),
}
const line = fc
  .tuple(
    fc.tuple(
      ...keys.map((key) =>
        fc.tuple(
          fc.constant(key),
          fc.oneof(
            { weight: 60, arbitrary: right[key] ?? fc.string().map((text) => JSON.stringify(text)) },
            { weight: 1, arbitrary: nearly },
          ),
        ),
      ),
    ),
    fc.nat(40),
    fc.nat(60),
  )
  .map(([pairs, how, missing]) => {
    const given = pairs.filter((_, i) => i !== missing).map(([key, value]) => `${JSON.stringify(key)}:${value}`)
    if (how === 0) given.reverse()
    if (how === 1) given.push(given[0]!)
    return how === 2
      ? `{ ${given.join(', ')} }`
      : how === 3
        ? given.join(',')
        : `{${given.join(',')}}${how === 4 ? '\r' : how === 5 ? ' ' : ''}`
  })

describe('the fast path through JSON lines', () => {
  test.each(pushes.map((options, i) => [i, options] as const))(
    'yields the row of the careful path, or gives up (%i)',
    (_, options) => {
      let fast = 0
      fc.assert(
        fc.property(line, (text) => {
          const used = options.unknownFields === 'drop' ? keys : keys.slice(0, -1)
          const scanner = lineScan(options, used)!
          const given = options.unknownFields === 'drop' ? text : text.replace(/,"more":"(?:[^"\\]|\\.)*"/, '')
          const bytes = Buffer.from(`${given}\n`)
          const row = scanner.scan(bytes, bytes.toString('latin1'), 0, bytes.length)
          if (!row) return
          fast++
          expect(row).toStrictEqual(recordParser(options).parse(given))
          expect(Object.keys(row)).toEqual(Object.keys(recordParser(options).parse(given)!))
          expect(scanner.lineEnd).toBe(bytes.length - 1)
        }),
        { numRuns: 4000 },
      )
      expect(fast).toBeGreaterThan(1000)
    },
  )

  test('reads single values as the careful path does, whatever came before', () => {
    const options: ReadOptions = { schema, unknownFields: 'drop' }
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 20, arbitrary: line }, { weight: 1, arbitrary: fc.constant('\0') }), {
          maxLength: 40,
        }),
        (texts) => {
          const [reader, inBlocks] = [valueReader(options), valueReader(options)]
          const between = Buffer.from('12,\n')
          // A byte that is not UTF-8 stands for the zero.
          const values = texts.map((text) => Buffer.from(Buffer.from(text).map((byte) => byte || 0xff)))
          const block = new Block(Buffer.concat(values.flatMap((value) => [between, value])))
          let at = 0
          for (const [i, text] of texts.entries()) {
            const bytes = values[i]!
            at += between.length
            const inBlock = block.bytes.subarray(at, (at += bytes.length))
            const elsewhere = i % 7 === 3
            const careful = recordParser(options)
            const row = text === '\0' ? undefined : careful.parse(text)
            expect(reader.read(bytes)).toEqual(row)
            expect(inBlocks.read(elsewhere ? bytes : inBlock, block)).toEqual(row)
            if (!row) expect(reader.failure.code).toBe(text === '\0' ? 'bad_encoding' : careful.failure.code)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each([' ', '\t', '\n', '\r\n'])('finds a key that comes twice in a value, with %j before its colon', (blank) => {
    const reader = valueReader({ schema: { fields: { n: of('integer') } }, unknownFields: 'drop' })
    for (const text of [`{"n"${blank}:1,"n":2}`, `{"n":1,"n"${blank}:2}`]) {
      expect(reader.read(Buffer.from(text))).toBeUndefined()
      expect(reader.failure.code).toBe('duplicate_key')
    }
  })

  test('counts fields dropped from a value once, whichever path it takes', () => {
    const reader = valueReader({ schema: { fields: { n: of('integer') } }, unknownFields: 'drop' })
    for (const end of ['', '\n', '', '\r\n']) reader.read(Buffer.from(`{"n":1,"more":2}${end}`))
    expect(reader.tally.unknown).toBe(4)
  })

  test('reads a file the same as line by line, wherever the path is learned and left', async () => {
    const options: ReadOptions = { schema, unknownFields: 'drop' }
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 60 }), async (texts) => {
        const rows: Row[] = []
        const bad: string[] = []
        let unknown = 0
        for await (const piece of createJsonLinesReader({}, options).read(
          bytesSource(Buffer.from(texts.join('\n'))),
          undefined,
          new AbortController().signal,
        )) {
          rows.push(...piece.rows)
          unknown += piece.unknown ?? 0
          bad.push(...(piece.bad ?? []).map(({ bytes }) => Buffer.from(bytes).toString()))
        }
        // A reader that sees only one line never takes the fast path.
        const expected: Row[] = []
        const expectedBad: string[] = []
        let leftOut = 0
        for (const text of texts) {
          for await (const piece of createJsonLinesReader({}, options).read(
            bytesSource(Buffer.from(text)),
            undefined,
            new AbortController().signal,
          )) {
            expected.push(...piece.rows)
            // A duplicate key is found after the fields were counted.
            if (piece.rows.length > 0 || piece.bad?.[0]?.code === 'duplicate_key')
              leftOut += Object.keys(JSON.parse(text) as object).filter(
                (key) => !Object.hasOwn(schema.fields, key),
              ).length
            expectedBad.push(...(piece.bad ?? []).map(({ bytes }) => Buffer.from(bytes).toString()))
          }
        }
        expect(rows).toStrictEqual(expected)
        expect(bad).toEqual(expectedBad)
        expect(unknown).toBe(leftOut)
      }),
      { numRuns: 150 },
    )
  })
})
