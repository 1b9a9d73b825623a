/**
 * Random queries: what a store and core answer together must be what core alone answers over all rows. The documents
 * have nulls, absent fields and values of other types, as others may have written them.
 */
import type { QueryText, RecordType, Row, RowSource } from '@millrace/core'
import { expect } from 'vitest'
import { ask } from './ask.ts'

const optional = (kind: 'string' | 'integer' | 'number' | 'boolean' | 'bigint' | 'timestamp' | 'date') => ({
  type: { kind } as const,
  optional: true,
})

/** The type of the documents. */
export const askedType: RecordType = {
  fields: {
    id: { type: { kind: 'integer' }, optional: false },
    name: optional('string'),
    n: optional('integer'),
    x: optional('number'),
    yes: optional('boolean'),
    large: optional('bigint'),
    at: optional('timestamp'),
    day: optional('date'),
    price: { type: { kind: 'decimal', precision: 12, scale: 2 }, optional: true },
  },
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const one = <T>(random: () => number, of: readonly T[]): T => of[Math.floor(random() * of.length)]!

const values: Readonly<Record<string, readonly unknown[]>> = {
  name: ['a', 'B', 'b', '', 'ä', '\u{1F600}', '\uFFFD', 'a b', '10', '9'],
  n: [0, 1, -1, 7, 10, 9007199254740991, -9007199254740991],
  x: [0, 0.5, -0.5, 2.5, 1.5, 10, 1e15, 1e-7],
  yes: [true, false],
  large: [0n, 9007199254740993n, -9007199254740993n, 10n, 9n],
  at: [0, 999, 1_000, Date.UTC(2010, 11, 1), -1],
  day: ['2010-12-01', '1999-01-31', '2010-12-02'],
  price: ['0.00', '10.50', '9.50', '-1.25', '1000000.01'],
}

/** Documents in the in-memory forms of `askedType`. */
export const askedRows = (count: number, seed: number): readonly Row[] => {
  const random = seeded(seed)
  return Array.from({ length: count }, (_, id) => {
    const row: Row = { id }
    for (const [name, of] of Object.entries(values)) row[name] = random() < 0.15 ? null : one(random, of)
    return row
  })
}

const conditions: readonly string[] = [
  'name == "a"',
  'name != null && name > "a"',
  'name != null && name <= "b"',
  'n == 7',
  'n != null && n > 0',
  'n != null && n < 10 && id > 20',
  'x != null && x >= 0.5',
  'x == 2.5',
  'x != null && round(x) == 2',
  'yes == true',
  'yes == null',
  'large == 9007199254740993',
  'large != null && large > 9',
  'at != null && at >= timestamp("1970-01-01T00:00:01Z")',
  'at == timestamp("2010-12-01T00:00:00Z")',
  'day == date("2010-12-01")',
  'price != null && price > decimal("9.50", 12, 2)',
  'price == decimal("10.50", 12, 2)',
  'id < 30 || n == 1',
  'n == null',
]

/** One query. */
export function randomQuery(random: () => number): QueryText {
  // Booleans have no order.
  const fields = Object.keys(values).filter((name) => name !== 'yes')
  const where = conditions.filter(() => random() < 0.1)
  const sorted = [...fields, 'id'].filter(() => random() < 0.2).map((name) => (random() < 0.5 ? name : `-${name}`))
  const base = { scan: true, ...(where.length > 0 ? { where } : {}) }
  if (random() < 0.25) {
    const group = [one(random, fields)]
    const outputs = { rows: 'count()', least: 'min(n)', total: 'sum(large)', most: 'max(price)' }
    return { ...base, group, outputs, sort: group }
  }
  const set = random() < 0.2 ? { twice: 'coalesce(x, 0.0) * 2' } : undefined
  return {
    ...base,
    ...(set ? { set } : {}),
    sort: [...sorted, ...(set && random() < 0.5 ? ['-twice'] : []), 'id'],
    ...(random() < 0.6 ? { limit: 1 + Math.floor(random() * 20) } : {}),
  }
}

/** Asks a store random queries, and core the same ones over all its rows. */
export async function expectSameAnswers(store: RowSource, count: number, seed: number): Promise<void> {
  const all: Row[] = []
  for await (const row of store.read({ scan: true }, new AbortController().signal)) all.push(row)
  const core: RowSource = {
    hasKey: store.hasKey,
    async *read() {
      yield* all
    },
  }
  const random = seeded(seed)
  for (let i = 0; i < count; i++) {
    const text = randomQuery(random)
    const whole = await outcome(core, text)
    // With a limit, a row that is not needed is not evaluated.
    if (typeof whole === 'string' && text.limit !== undefined) continue
    expect(await outcome(store, text), JSON.stringify(text)).toEqual(whole)
  }
}

/** The rows, or why there are none. */
const outcome = (source: RowSource, text: QueryText): Promise<unknown> =>
  ask(source, askedType, text).catch((error: unknown) => String(error))
