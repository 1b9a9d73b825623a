import {
  type Aggregation,
  aggregateFunctions,
  compileAggregates,
  DataError,
  fieldText,
  interpretAggregates,
  parseType,
  type RecordType,
  type Row,
} from '@millrace/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const record: RecordType = {
  fields: Object.fromEntries(
    Object.entries({
      x: 'integer',
      q: 'integer?',
      n: 'number',
      big: 'bigint',
      price: 'decimal(10,2)',
      s: 'string',
      t: 'timestamp?',
      tags: 'list<integer>',
      flag: 'boolean',
      raw: 'bytes?',
    }).map(([name, type]) => [name, parseType(type)!]),
  ),
}
const blank: Row = { x: 0, q: null, n: 0, big: 0n, price: '0.00', s: '', t: null, tags: [], flag: false, raw: null }
const rowsOf = (rows: readonly Row[]): Row[] => rows.map((row) => ({ ...blank, ...row }))

const compiled = (outputs: Record<string, string>, make = compileAggregates): Aggregation => {
  const made = make(outputs, record)
  if (!made.ok) throw new Error(made.problems.map((problem) => `${problem.output}: ${problem.message}`).join('\n'))
  return made
}

/** The value and type of one output over rows whose time and position are their index. */
function over(text: string, rows: readonly Row[]): unknown {
  const results = [compileAggregates, interpretAggregates].map((make) => {
    const aggregation = compiled({ out: text }, make)
    const state = aggregation.start()
    for (const [i, row] of rowsOf(rows).entries()) aggregation.add(state, row, i, 'file', i)
    try {
      return [fieldText(aggregation.type.fields['out']!), aggregation.result(state)['out']]
    } catch (error) {
      if (error instanceof DataError) return [error.code, error.field]
      throw error
    }
  })
  expect(results[0]).toStrictEqual(results[1])
  return results[0]
}

const most = Number.MAX_SAFE_INTEGER
const three = [{ x: 3 }, { x: 1 }, { x: 2 }]

describe('an output', () => {
  test.each([
    ['count()', three, 'integer', 3],
    ['count(q)', [{ q: 1 }, {}, { q: 2 }], 'integer', 2],
    ['sum(x)', three, 'integer', 6],
    ['x.sum()', three, 'integer', 6],
    ['sum(q)', [{ q: 1 }, {}, { q: 2 }], 'integer?', 3],
    ['sum(q)', [{}, {}], 'integer?', null],
    ['coalesce(sum(q), 0)', [{}, {}], 'integer', 0],
    ['sum(coalesce(q, 10))', [{ q: 1 }, {}], 'integer', 11],
    ['sum(x)', [{ x: most }, { x: most }, { x: -most }], 'integer', most],
    ['sum(x)', [{ x: most }, { x: 1 }], 'out_of_range', 'out'],
    ['sum(bigint(x))', [{ x: most }, { x: 1 }], 'bigint', 9_007_199_254_740_992n],
    ['sum(big)', [{ big: 2n ** 63n - 1n }, { big: 5n }, { big: -5n }], 'bigint', 2n ** 63n - 1n],
    ['sum(big)', [{ big: 2n ** 63n - 1n }, { big: 1n }], 'out_of_range', 'out'],
    ['sum(price)', [{ price: '0.10' }, { price: '0.20' }, { price: '-1.00' }], 'decimal(38,2)', '-0.70'],
    ['sum(price)', [{ price: '99999999.99' }, { price: '0.01' }], 'decimal(38,2)', '100000000.00'],
    [
      'sum(price * x)',
      [
        { price: '2.55', x: 6 },
        { price: '3.39', x: 6 },
      ],
      'decimal(38,2)',
      '35.64',
    ],
    ['sum(n)', [{ n: 0.1 }, { n: 0.2 }, { n: 0.3 }], 'number', 0.6],
    ['sum(n)', [{ n: 1e100 }, { n: 1 }, { n: -1e100 }], 'number', 1],
    ['sum(n)', [{ n: 1.7e308 }, { n: 1.7e308 }], 'out_of_range', 'out'],
    [
      'sum(x * n)',
      [
        { x: 6, n: 2.5 },
        { x: 1, n: 1 },
      ],
      'number',
      16,
    ],
    ['avg(x)', three, 'number', 2],
    ['avg(x)', [{ x: 1 }, { x: 2 }], 'number', 1.5],
    ['avg(x)', [{ x: most }, { x: most }], 'number', most],
    ['avg(q)', [{ q: 1 }, {}, { q: 2 }], 'number?', 1.5],
    ['avg(price)', [{ price: '0.10' }, { price: '0.20' }], 'decimal(38,6)', '0.150000'],
    ['avg(price)', [{ price: '-0.01' }, { price: '-0.01' }, { price: '0.00' }], 'decimal(38,6)', '-0.006667'],
    ['avg(double(price))', [{ price: '0.25' }, { price: '0.75' }], 'number', 0.5],
    ['avg(big)', [{ big: 9007199254740993n }, { big: 9007199254740994n }], 'decimal(38,6)', '9007199254740993.500000'],
    ['avg(decimal(price, 18, 17))', [{ price: '8.99' }], 'decimal(38,17)', '8.99000000000000000'],
    ['divide(sum(price), count(), 2)', [{ price: '0.10' }, { price: '0.11' }], 'decimal(38,2)', '0.11'],
    ['min(x)', three, 'integer', 1],
    ['max(s)', [{ s: '\uffff' }, { s: '😀' }, { s: 'z' }], 'string', '😀'],
    ['min(q)', [{}, { q: 3 }, {}], 'integer?', 3],
    ['max(price)', [{ price: '9.99' }, { price: '10.00' }], 'decimal(10,2)', '10.00'],
    ['max(t)', [{ t: 5 }, {}], 'timestamp?', 5],
    ['first(x)', three, 'integer', 3],
    ['last(x)', three, 'integer', 2],
    ['last(q)', [{ q: 1 }, { q: 2 }, {}], 'integer?', 2],
    ['first(tags)', [{ tags: [1] }, { tags: [2] }], 'list<integer>', [1]],
    ['count_distinct(x)', [{ x: 1 }, { x: 2 }, { x: 1 }], 'integer', 2],
    ['count_distinct(q)', [{}, { q: 2 }, {}], 'integer', 1],
    ['count_distinct(raw)', [{ raw: new Uint8Array([1]) }, { raw: Buffer.from([1]) }, {}], 'integer', 1],
    ['max(n)', [{ n: -1 }, { n: -0 }], 'number', 0],
    ['sum(x) / count()', [{ x: 1 }, { x: 2 }], 'number', 1.5],
    ['sum(x) / sum(n)', [{ x: 1 }], 'division_by_zero', 'out'],
    ['max(x) - min(x)', three, 'integer', 2],
    ['max(count(), sum(x))', three, 'integer', 6],
    ['sum(x) > 3 ? "many" : "few"', three, 'string', 'many'],
    ['sum(flag ? 1 : 0)', [{ flag: true }, {}], 'integer', 1],
    ['sum(max(tags + [0]))', [{ tags: [4, 9] }, { tags: [] }], 'integer', 9],
    ['round(avg(n), 1)', [{ n: 1.25 }, { n: 1.26 }], 'number', 1.3],
    ['1', three, 'integer', 1],
  ])('%s (%#)', (text, rows, type, value) => {
    expect(over(text, rows as Row[])).toStrictEqual([type, value])
  })
})

test('several outputs form one row in their order, and the same aggregate is kept once', () => {
  const aggregation = compiled({ lines: 'count()', total: 'sum(x)', mean: 'sum(x) / count()' })
  const state = aggregation.start()
  for (const row of rowsOf(three)) aggregation.add(state, row)
  expect(Object.entries(aggregation.result(state))).toEqual([
    ['lines', 3],
    ['total', 6],
    ['mean', 2],
  ])
  expect(aggregation.fields).toEqual(['x'])
  expect(aggregation.ordered).toBe(false)
  expect(JSON.parse(aggregation.encode(state))).toHaveLength(2)
})

test('a state is identified by its aggregates, not by which output names them or how they are spaced', () => {
  const one = compiled({ a: 'sum(x)/count()', b: 'first(s)' })
  const other = compiled({ z: 'first( s )', most: 'sum(x) // in all', rate: 'sum( x ) + count ()' })
  expect(one.aggregates).toEqual(['count ( )', 'first ( s )', 'sum ( x )'])
  expect(other.aggregates).toEqual(one.aggregates)
  const state = one.start()
  for (const row of rowsOf([{ x: 2, s: 'a' }, { x: 5 }])) one.add(state, row)
  expect(other.result(other.decode(one.encode(state)))).toEqual({ z: 'a', most: 7, rate: 9 })
  expect(compiled({ a: 'sum(x) / count()' }).aggregates).not.toEqual(one.aggregates)
  // A space in a text or in a name is significant.
  expect(compiled({ a: 'count_distinct(s + " a")' }).aggregates).not.toEqual(
    compiled({ a: 'count_distinct(s + "a")' }).aggregates,
  )
})

test('every problem of every output is reported, with its output', () => {
  const made = compileAggregates(
    {
      a: 'sum(Quantity)',
      b: 'sum(s)',
      c: 'x + count()',
      d: 'summ(x)',
      e: 'sum(sum(x))',
      f: 'sum(x, n)',
      g: 'min(flag)',
      h: 'count_distinct(tags)',
      i: 'avg(',
      j: 'sum(q) + 1',
      k: 'sum(q + 1)',
      l: 'sum()',
      m: 'lower(count())',
    },
    record,
  )
  const found = made.ok ? [] : made.problems.map(({ output, code, span }) => [output, code, span])
  expect(found).toEqual([
    ['a', 'unknown_field', [4, 12]],
    ['b', 'wrong_type', [4, 5]],
    ['c', 'not_aggregated', [0, 1]],
    ['d', 'unknown_function', [0, 4]],
    ['e', 'unknown_function', [4, 7]],
    ['f', 'wrong_arguments', [0, 9]],
    ['g', 'wrong_type', [4, 8]],
    ['h', 'wrong_type', [15, 19]],
    ['i', 'bad_expression', [3, 4]],
    ['j', 'maybe_null', [0, 6]],
    ['k', 'maybe_null', [4, 5]],
    ['l', 'wrong_arguments', [0, 5]],
    ['m', 'wrong_type', [6, 13]],
  ])
  const hints = made.ok
    ? []
    : made.problems.flatMap(({ output, hint }) => (output === 'd' || output === 'c' ? [hint] : []))
  expect(hints[0]).toContain('sum(x)')
  expect(hints[1]).toBe('did you mean sum?')
})

test('a record with a data error leaves the group unchanged', () => {
  for (const make of [compileAggregates, interpretAggregates]) {
    const aggregation = compiled({ lines: 'count()', total: 'sum(x)', rate: 'sum(n / x)' }, make)
    const state = aggregation.start()
    aggregation.add(state, { ...blank, x: 2, n: 3 })
    const before = aggregation.encode(state)
    expect(() => aggregation.add(state, { ...blank, x: 0, n: 3 })).toThrow(DataError)
    expect(aggregation.encode(state)).toBe(before)
  }
})

test('first and last are ordered by time, then split, then position, in whatever order records arrive', () => {
  const records = [
    { row: { x: 1 }, at: [5, 'b', 0] },
    { row: { x: 2 }, at: [5, 'a', 9] },
    { row: { x: 3 }, at: [5, 'a', 10] },
    { row: { x: 4 }, at: [6, 'a', '9'] },
    { row: { x: 5 }, at: [6, 'a', '10'] },
    { row: { x: 6 }, at: [6, 'a', '10'] },
  ] as const
  const both = { first: 'first(x)', last: 'last(x)' }
  const aggregation = compiled(both)
  expect(aggregation.ordered).toBe(true)
  fc.assert(
    fc.property(fc.shuffledSubarray(records.slice(0, 5), { minLength: 5 }), fc.nat(5), (shuffled, cut) => {
      const [a, b] = [aggregation.start(), aggregation.start()]
      for (const [i, { row, at }] of shuffled.entries())
        aggregation.add(i < cut ? a : b, { ...blank, ...row }, at[0], at[1], at[2])
      aggregation.merge(a, aggregation.decode(aggregation.encode(b)))
      expect(aggregation.result(a)).toEqual({ first: 2, last: 5 })
    }),
  )
  // Parts of one record share its position: the first part is first, the last is last.
  const state = aggregation.start()
  for (const { row, at } of records) aggregation.add(state, { ...blank, ...row }, at[0], at[1], at[2])
  expect(aggregation.result(state)).toEqual({ first: 2, last: 6 })
})

test('positions have a single order, whatever texts and numbers they are', () => {
  const positions = [0, 9, 10, '9', '10', '007', '1a', '9a', 'a', '-5', ''].map((position, x) => ({ position, x }))
  const aggregation = compiled({ first: 'first(x)', last: 'last(x)' })
  const of = (some: readonly { position: string | number; x: number }[]) => {
    const state = aggregation.start()
    for (const { position, x } of some) aggregation.add(state, { ...blank, x }, 0, 'a', position)
    return aggregation.result(state)
  }
  fc.assert(
    fc.property(fc.shuffledSubarray(positions, { minLength: 1 }), (some) => {
      expect(of(some)).toEqual(of(some.toSorted((a, b) => a.x - b.x)))
      expect(of(some)).toEqual(of(some.toReversed()))
    }),
  )
})

const outputs = {
  count: 'count()',
  some: 'count(q)',
  integers: 'sum(x)',
  maybe: 'sum(q)',
  wide: 'sum(bigint(x))',
  bigs: 'sum(decimal(big, 38, 0))',
  money: 'sum(price * x)',
  mean: 'avg(price)',
  doubles: 'sum(n)',
  averages: 'avg(n)',
  least: 'min(price)',
  most: 'max(s)',
  late: 'max(t)',
  first: 'first(s)',
  last: 'last(q)',
  kinds: 'count_distinct(s)',
  prices: 'count_distinct(price)',
  bytes: 'count_distinct(raw)',
}
const rows = fc.array(
  fc.record({
    x: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.maxSafeInteger()),
    q: fc.option(fc.maxSafeInteger()),
    n: fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
    big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    price: fc
      .integer({ min: -99_999, max: 99_999 })
      .map((cents) => (cents / 100).toFixed(2).replace(/^-0\.00$/, '0.00')),
    s: fc.constantFrom('', 'a', 'b', '😀', '\uffff'),
    t: fc.option(fc.integer({ min: 0, max: 1e12 })),
    raw: fc.option(fc.uint8Array({ maxLength: 1 })),
  }),
  { minLength: 1, maxLength: 20 },
)

test('a group that was split, saved and merged has the same result as one that was not, both compiled and interpreted', () => {
  const aggregation = compiled(outputs)
  const twin = compiled(outputs, interpretAggregates)
  const outcome = (one: Aggregation, state: ReturnType<Aggregation['start']>): unknown => {
    try {
      return one.result(state)
    } catch (error) {
      return error instanceof DataError ? [error.code, error.field] : error
    }
  }
  fc.assert(
    fc.property(rows, fc.nat(20), fc.nat(20), (given, i, j) => {
      const whole = aggregation.start()
      const parts = [aggregation.start(), aggregation.start(), aggregation.start()]
      const slow = twin.start()
      for (const [at, row] of rowsOf(given).entries()) {
        const part = (at < i ? 1 : 0) + (at < j ? 1 : 0)
        for (const [one, state] of [
          [aggregation, whole],
          [twin, slow],
          [aggregation, parts[part]!],
        ] as const)
          one.add(state, row, at, 'file', at)
        parts[part] = aggregation.decode(aggregation.encode(parts[part]!))
      }
      const merged = parts[2]!
      aggregation.merge(merged, parts[0]!)
      aggregation.merge(merged, parts[1]!)
      const expected = outcome(aggregation, whole)
      expect(outcome(twin, slow)).toStrictEqual(expected)
      const result = outcome(aggregation, merged)
      if (Array.isArray(expected)) expect(result).toEqual(expected)
      else {
        const { doubles, averages, ...exact } = expected as Row
        const { doubles: otherDoubles, averages: otherAverages, ...otherExact } = result as Row
        expect(otherExact).toStrictEqual(exact)
        const scale = given.reduce((sum, { n }) => sum + Math.abs(n), 1)
        expect(Math.abs((doubles as number) - (otherDoubles as number))).toBeLessThanOrEqual(scale * 1e-12)
        expect(Math.abs((averages as number) - (otherAverages as number))).toBeLessThanOrEqual(scale * 1e-12)
      }
      // The exact sums compared with plain BigInt arithmetic.
      if (!Array.isArray(expected))
        expect((expected as Row)['bigs']).toBe(String(given.reduce((sum, { big }) => sum + big, 0n)))
    }),
    { numRuns: 300 },
  )
})

test('every aggregate does what its example in the documentation says', () => {
  for (const { name, example, doc, flink } of aggregateFunctions) {
    const [, value] = over(example[0], three) as [string, unknown]
    expect(JSON.stringify(value), name).toBe(example[1])
    expect(doc, name).toMatch(/^[A-Z].*\.$/)
    expect(flink, name).toBeTypeOf('string')
  }
})
