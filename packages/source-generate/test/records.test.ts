import { describe, expect, it } from 'vitest'
import { read, shop } from './flow.ts'

const pinned = 'clock: 2026-01-31T12:00:00Z\n'
const customers = (more: string) => `${shop()}stream: customers\n${more}`
const simple = 'fields: { id: sequence, code: uuid }\n'

describe('the same seed and clock', () => {
  it('give the same records, byte for byte', async () => {
    const [a, b] = [await read(customers(`${pinned}count: 500`)), await read(customers(`${pinned}count: 500`))]
    expect(JSON.stringify(a.rows)).toBe(JSON.stringify(b.rows))
  })

  it('give the records that they gave in the first version', async () => {
    const { rows, batches } = await read(`
turn: [a, b]
streams:
  a: { id: uuid }
  b:
    id: sequence
    x: { number: { from: 0, to: 1, digits: 4 } }
    a: { of: { stream: a, field: id } }
    d: { date: { from: -30d } }
stream: b
count: 3
${pinned}`)
    expect(rows).toEqual([
      { id: 1, x: 0.6677, a: '4c5ddfa3-1a53-4f55-9ba7-e60b34889490', d: '2026-01-07' },
      { id: 2, x: 0.1688, a: '4c5ddfa3-1a53-4f55-9ba7-e60b34889490', d: '2026-01-06' },
      { id: 3, x: 0.4648, a: '3e5aba9f-e1ee-40a8-bc8a-2c65fdf56c5f', d: '2026-01-30' },
    ])
    expect(batches[0]!.split).toBe('b/1/2026-01-31T12:00:00.000Z')
  })

  it('give the same records whatever `count` and `rate` divide them into', async () => {
    const once = await read(`${simple}${pinned}count: 40`)
    const paced = await read(`${simple}${pinned}count: 40\nrate: 1000/s`)
    expect(paced.batches.length).toBeGreaterThan(1)
    expect(paced.rows).toEqual(once.rows)
    expect((await read(`${simple}${pinned}count: 20`)).rows).toEqual(once.rows.slice(0, 20))
  })

  it('leave the other fields as they are when one is added', async () => {
    const [a] = (await read(`${simple}${pinned}count: 1`)).rows
    const [b] = (
      await read(`fields: { id: sequence, more: { integer: { from: 1, to: 9 } }, code: uuid }\n${pinned}count: 1`)
    ).rows
    expect(b!['code']).toBe(a!['code'])
  })
})

describe('other records, under other ids', () => {
  it.each([
    ['another seed', `${pinned}count: 20\nseed: 2`, 0],
    ['another clock', 'clock: 2026-01-31T12:00:00.001Z\ncount: 20', 0],
    ['another run', 'count: 20', 1],
  ])('come with %s', async (_, more, beganMs) => {
    const a = await read(`${simple}${beganMs ? '' : pinned}count: 20`, { beganMs: 0 })
    const b = await read(`${simple}${more}`, { beganMs })
    expect(b.batches[0]!.split).not.toBe(a.batches[0]!.split)
    const known = new Set(a.rows.map((row) => row['code']))
    expect(b.rows.filter((row) => known.has(row['code']))).toEqual([])
  })
})

describe('a restart', () => {
  it('goes on with the records that would have come, references included', async () => {
    for (const stream of ['customers', 'transactions', 'user_interactions']) {
      const text = `${shop()}stream: ${stream}\ncount: 5000\n${pinned}`
      const whole = await read(text)
      expect(whole.batches.length).toBeGreaterThan(2)
      for (const [i, { position }] of whole.batches.entries()) {
        const rest = await read(text, { from: position! })
        expect(rest.rows).toEqual(whole.batches.slice(i + 1).flatMap(({ rows }) => rows))
      }
    }
  })

  it('far into the stream takes no longer than at its beginning, and little longer with a sequence', async () => {
    const sequence = shop().replace('customer_id: uuid', 'customer_id: sequence')
    for (const text of [shop(), sequence]) {
      const from = { turn: 1_000_000, made: 999_998 }
      const startMs = performance.now()
      const { rows } = await read(`${text}stream: transactions\ncount: 1000100\n${pinned}`, { from })
      expect(rows).toHaveLength(100)
      expect(performance.now() - startMs).toBeLessThan(3000)
    }
  })
})

describe('a rate', () => {
  it('moves the clock of the turns, and what waits for it says that it is caught up', async () => {
    const { rows, caughtUp } = await read(`fields: { at: { time: { from: now } } }\n${pinned}count: 5\nrate: 100/s`)
    const start = Date.UTC(2026, 0, 31, 12)
    expect(rows.map(({ at }) => Number(at) - start)).toEqual([0, 10, 20, 30, 40])
    expect(caughtUp).toBeGreaterThanOrEqual(2)
  })

  it('may be less than one in a second', async () => {
    const { rows } = await read(`fields: { at: { time: { from: now } } }\n${pinned}count: 1\nrate: 1/h`)
    expect(rows).toHaveLength(1)
  })
})

it('ends within a second of the abort, and has read nothing after an abort before it', async () => {
  const { rows } = await read(`${simple}${pinned}`, { limit: 2500 })
  expect(rows).toHaveLength(3000)
})

it('makes bad records where a condition fails or a number does not fit, and goes on after them', async () => {
  const text = `fields: { n: sequence, x: { value: 1, when: "12 / (n - 2) > 0" } }\n${pinned}count: 12`
  const fields = {
    n: { type: { kind: 'decimal', precision: 1, scale: 0 }, optional: false },
    x: { type: { kind: 'integer' }, optional: true },
  } as const
  const { batches, rows } = await read(text, { schema: { fields } })
  const [{ bad, positionAt, position } = {} as (typeof batches)[number]] = batches
  expect(
    bad!.map(({ code, position: at, before, bytes }) => [code, at, before, Buffer.from(bytes).toString()]),
  ).toEqual([
    ['division_by_zero', 1, 1, '{"stream":"records","turn":1}'],
    ...[9, 10, 11].map((n) => ['out_of_range', n, 8, `{"stream":"records","turn":${n}}`]),
  ])
  expect(rows.map(({ n }) => n)).toEqual(['1', '3', '4', '5', '6', '7', '8', '9'])
  expect(rows.map((_, i) => positionAt(i))).toEqual([0, 2, 3, 4, 5, 6, 7, 8])
  expect(position).toEqual({ turn: 12, made: 12 })
})

it('gives the transport key that `key` names, as text', async () => {
  const { batches } = await read(`fields: { n: sequence }\n${pinned}count: 3\nkey: n`)
  expect(batches[0]!.keys).toEqual(['1', '2', '3'])
})

it('all references of a record to a stream are to the same record', async () => {
  const streams = `
streams:
  people: { id: uuid, name: { fake: person.fullName } }
  orders: { person: { of: { stream: people, field: id } }, name: { of: { stream: people, field: name } } }
count: 50
${pinned}`
  const people = await read(`${streams}stream: people`)
  const nameOf = new Map(people.rows.map(({ id, name }) => [id, name]))
  const orders = await read(`${streams}stream: orders`)
  for (const { person, name } of orders.rows) expect(name).toBe(nameOf.get(person))
  expect(new Set(orders.rows.map(({ person }) => person)).size).toBeGreaterThan(20)
})

it('refers to a field with a condition, and to one that refers further', async () => {
  const streams = `
streams:
  a: { kind: { one_of: [x, y] }, code: { uuid: {}, when: "kind == 'x'", else: none } }
  b: { a: { of: { stream: a, field: code } } }
  c: { a: { of: { stream: b, field: a } } }
count: 60
${pinned}`
  const codes = async (stream: string, field: string) =>
    new Set((await read(`${streams}stream: ${stream}`)).rows.map((row) => row[field]))
  const [a, b, c] = [await codes('a', 'code'), await codes('b', 'a'), await codes('c', 'a')]
  expect(a).toContain('none')
  expect([...b].filter((code) => !a.has(code))).toEqual([])
  expect([...c].filter((code) => !b.has(code))).toEqual([])
})
