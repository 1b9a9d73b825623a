import { parseRecordType, type RecordType, type Row } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { read } from './flow.ts'

const clock = Date.UTC(2026, 0, 31, 12)
const many = async (field: string, type?: string): Promise<unknown[]> => {
  const schema = type && (parseRecordType({ fields: { x: type } }).type satisfies RecordType)
  const text = `fields: { x: ${field} }\ncount: 3000\nclock: 2026-01-31T12:00:00Z`
  const { rows } = await read(text, schema ? { schema } : {})
  return rows.map((row: Row) => row['x'])
}
const share = (values: readonly unknown[], wanted: unknown) => values.filter((x) => x === wanted).length / values.length

describe('values', () => {
  it('of a range are all of it, evenly', async () => {
    const ages = (await many('{ integer: { from: 18, to: 20 } }')) as number[]
    for (const age of [18, 19, 20]) expect(share(ages, age)).toBeCloseTo(1 / 3, 1)
    const ratings = (await many('{ number: { from: 1, to: 1.3, digits: 1 } }')) as number[]
    expect(new Set(ratings)).toEqual(new Set([1, 1.1, 1.2, 1.3]))
    const below = (await many('{ integer: { from: -3, to: -3 } }')) as number[]
    expect(new Set(below)).toEqual(new Set([-3]))
  })

  it('of `one_of` come as often as their weights say', async () => {
    const levels = await many('{ one_of: [INFO, WARNING, ERROR], weights: [8, 2, 0] }')
    expect(share(levels, 'INFO')).toBeCloseTo(0.8, 1)
    expect(share(levels, 'ERROR')).toBe(0)
    expect(share(await many('{ boolean: { share: 10 % } }'), true)).toBeCloseTo(0.1, 1)
    expect(share(await many('boolean'), true)).toBeCloseTo(0.5, 1)
  })

  it('that are UUIDs are of version 4, and no two are equal', async () => {
    const ids = (await many('uuid')) as string[]
    expect(new Set(ids).size).toBe(3000)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    // Every digit that is not fixed takes all its values.
    for (const at of [0, 9, 15, 20, 24, 35]) expect(new Set(ids.map((id) => id[at])).size).toBe(16)
  })

  it.each([
    ['{ from: -2h }', clock - 7_200_000, clock],
    ['{ from: now, to: +1d }', clock, clock + 86_400_000],
    ['{ from: start_of_day }', Date.UTC(2026, 0, 31), clock],
    ['{ from: start_of_month }', Date.UTC(2026, 0, 1), clock],
    ['{ from: start_of_year, to: start_of_month }', Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1)],
    ['{ from: 2020-01-01T00:00:00Z, to: 2020-01-01T00:00:00.009Z }', 1_577_836_800_000, 1_577_836_800_009],
    // From after the clock of this turn to before it.
    ['{ from: start_of_day, to: -20h }', clock - 72_000_000, clock - 72_000_000],
  ])('that are times %s are from the first to the last', async (range, from, to) => {
    const times = (await many(`{ time: ${range} }`)) as number[]
    expect(Math.min(...times)).toBeGreaterThanOrEqual(from)
    expect(Math.max(...times)).toBeLessThanOrEqual(to)
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(0.9 * (to - from))
  })

  it('that are dates are days in UTC', async () => {
    const days = new Set(await many('{ date: { from: -2d } }'))
    expect(days).toEqual(new Set(['2026-01-29', '2026-01-30', '2026-01-31']))
  })

  it('of Faker are made at the time of the turn', async () => {
    const times = (await many('{ fake: date.recent, with: { days: 1 } }')) as number[]
    expect(Math.max(...times)).toBeLessThanOrEqual(clock)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(clock - 86_400_000)
    expect(await many('{ fake: helpers.fromRegExp, with: "[A-C]{2}-[0-9]" }')).toContain('AB-1')
  })
})

describe('the schema decides the form', () => {
  it.each([
    ['{ number: { from: 1, to: 1 } }', 'decimal(10,4)', '1.0000'],
    ['{ integer: { from: 7, to: 7 } }', 'decimal(3,1)', '7.0'],
    ['{ integer: { from: 7, to: 7 } }', 'bigint', 7n],
    ['{ value: 7 }', 'bigint', 7n],
    ['{ time: { from: now } }', 'timestamp(6)', BigInt(clock) * 1000n],
    ['{ time: { from: now } }', 'timestamp', clock],
    ['{ value: 2026-01-31T12:00:00Z }', 'timestamp', clock],
    ['{ value: 2026-01-31 }', 'date', '2026-01-31'],
    ['{ value: [1, 2] }', 'list<integer>', [1, 2]],
    ['{ value: null }', 'string?', null],
    ['{ value: { a: 1 } }', 'json', { a: 1 }],
    ['{ one_of: ["1.50"] }', 'decimal(4,2)', '1.50'],
  ])('%s as %s', async (field, type, value) => {
    expect((await many(field, type))[0]).toEqual(value)
  })
})
