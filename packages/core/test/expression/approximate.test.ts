/** `approx_count_distinct` against exact counts. */
import { type Aggregation, compileAggregates, parseType, type RecordType, type Row } from '@millrace/core'
import { describe, expect, test } from 'vitest'

const typesOf = (type: string): RecordType => ({ fields: { x: { ...parseType(type)!, optional: true } } })
const sketch = (type = 'string'): Aggregation => {
  const made = compileAggregates({ n: 'approx_count_distinct(x)' }, typesOf(type))
  if (!made.ok) throw new Error(made.problems[0]!.message)
  return made
}
const fill = (of: Aggregation, values: Iterable<unknown>) => {
  const state = of.start()
  for (const x of values) of.add(state, { x } as Row)
  return state
}
const countOf = (of: Aggregation, values: Iterable<unknown>) => of.result(fill(of, values))['n'] as number

/** Values as real keys look: running numbers, padded ones, doubles, texts that differ at one end only. */
const kinds: Record<string, [type: string, make: (i: number, series: number) => unknown]> = {
  numbers: ['integer', (i, series) => series * 10_000_000 + i],
  doubles: ['number', (i, series) => series * 1_000_003 + i / 7],
  bigints: ['bigint', (i, series) => BigInt(i) * 1000n + BigInt(series)],
  padded: ['string', (i, series) => `customer-${String(i).padStart(9, '0')}-${series}`],
  prefixes: ['string', (i, series) => `${i}-${'a'.repeat(40)}${series}`],
  bytes: ['bytes', (i, series) => Uint8Array.of(series, i & 255, (i >> 8) & 255, i >> 16)],
}

describe.each(Object.entries(kinds))('of %s', (_, [type, make]) => {
  const of = sketch(type)
  test('it is exact up to 64, whatever is repeated', () => {
    for (const n of [0, 1, 63, 64])
      expect(
        countOf(
          of,
          values(2 * n, (i) => make(i % n, 0)),
        ),
      ).toBe(n)
  })
  // A standard error of 1.63 %: the mean square of 40 series is below 1.25 times it, and none is beyond five times it.
  test.each([65, 1000, 20_000])('of %i, the error is within its bound', (n) => {
    const errors = values(
      40,
      (series) =>
        countOf(
          of,
          values(n, (i) => make(i, series)),
        ) /
          n -
        1,
    )
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(5 * 0.0163)
    expect(Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length)).toBeLessThan(1.25 * 0.0163)
  })
})

test('of a million, the error is within its bound, and the state within 4 kB', () => {
  const of = sketch('integer')
  const state = fill(
    of,
    values(1_000_000, (i) => i),
  )
  expect(Math.abs((of.result(state)['n'] as number) / 1_000_000 - 1)).toBeLessThan(0.05)
  expect(of.encode(state).length).toBeLessThan(4200)
})

test.each([
  [10, 20],
  [50, 60],
  [10, 5000],
  [5000, 10],
  [3000, 5000],
])('states of %i and %i values merge to that of all, and neither changes the other', (a, b) => {
  const of = sketch()
  const [left, right] = [values(a, (i) => `l${i % 2000}`), values(b, (i) => `r${i}`)]
  const [into, from] = [fill(of, left), fill(of, right)]
  const before = of.encode(from)
  of.merge(into, from)
  // Of hashes, the order in which they were added does not matter.
  const parts = (text: string) =>
    (JSON.parse(text) as unknown[]).map((part) =>
      Array.isArray(part) ? part.toSorted((x: number, y: number) => x - y) : part,
    )
  expect(parts(of.encode(into))).toEqual(parts(of.encode(fill(of, [...left, ...right]))))
  of.add(into, { x: 'another' })
  expect(of.encode(from)).toBe(before)
})

test.each([3, 64, 65, 4000])('a state of %i values is saved and restored', (n) => {
  const of = sketch()
  const state = fill(of, values(n, String))
  const restored = of.decode(of.encode(state))
  for (const each of [state, restored]) for (let i = 0; i < 500; i++) of.add(each, { x: `more${i}` })
  expect(of.result(restored)).toEqual(of.result(state))
  expect(of.encode(restored)).toBe(of.encode(state))
})

test('null is no value, and there is always a result', () => {
  const of = sketch()
  expect(countOf(of, [null, null])).toBe(0)
  expect(of.type.fields['n']).toMatchObject({ type: { kind: 'integer' }, optional: false })
})

test('lists and objects cannot be counted', () => {
  const made = compileAggregates({ n: 'approx_count_distinct(x)' }, typesOf('list<integer>'))
  expect(made).toMatchObject({ ok: false, problems: [{ code: 'wrong_type', expected: 'a single value' }] })
})

const values = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i))
