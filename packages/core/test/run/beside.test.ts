/** Key, headers and tombstone stay with their record wherever a batch is taken apart. */
import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { batch, type Batch, type Headers, Records } from '../../src/record/index.ts'
import { timeReader } from '../../src/run/event-time.ts'
import { splitBatch } from '../../src/run/split-batch.ts'

const headersAt = (i: number): Headers => [['n', String(i)]]

/** Records with these event times: each second one is a tombstone, and each has a key and a header with its number. */
const given = (...times: readonly (number | null)[]): Batch =>
  batch({
    split: 's',
    rows: times.map((at, n) => ({ n, at })),
    position: times.length,
    keys: times.map((_, i) => Buffer.of(0xff, i)),
    headersAt,
    tombstoneAt: (i) => i % 2 === 1,
    rawAt: () => Buffer.of(),
  })

const besides = (of: Batch): unknown[] =>
  of.rows.map((row, i) => [row['n'], of.keys![i], of.headersAt!(i), of.tombstoneAt!(i)])
const expected = (...numbers: readonly number[]): unknown[] =>
  numbers.map((n) => [n, Buffer.of(0xff, n), headersAt(n), n % 2 === 1])

it('split in two', () => {
  const [first, rest] = splitBatch(given(0, 1, 2, 3, 4), 3, 3)
  expect(besides(first)).toEqual(expected(0, 1, 2))
  expect(besides(rest)).toEqual(expected(3, 4))
})

it('without those that have no event time, which keep theirs', () => {
  const schema = { fields: { at: { type: { kind: 'timestamp' }, optional: true } } } as const
  const reader = timeReader({ field: 'at', zone: 'UTC', maxOutOfOrderMs: 0 }, 'at', schema, undefined)
  const timed = reader.timed(given(0, null, 2, 3), systemClock)
  expect(besides(timed)).toEqual(expected(0, 2, 3))
  expect(timed.bad).toMatchObject([{ key: Buffer.of(0xff, 1), headers: headersAt(1), tombstone: true }])
})

it('picked, merged and derived', () => {
  const of = given(0, 1, 2, 3)
  const all = new Records({ rows: of.rows, from: [{ source: 'in', batch: of }], pipeline: 'p' })
  const both = Records.merge([all.pick([3, 1]), all.pick([2])])
  const seen = both.rows.map((row, i) => [row['n'], both.key(i), both.headers(i), both.tombstone(i)])
  expect(seen).toEqual(expected(1, 2, 3))
})
