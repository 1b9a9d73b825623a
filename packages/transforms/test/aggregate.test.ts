import { endOfRun, type ResultKey, type Row } from '@millrace/core'
import { savedMemory } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { recordsOf, recordType, stepContext } from './step.ts'

const input = recordType({ country: 'string?', day: 'date', quantity: 'integer', price: 'decimal(10,2)' })
const outputs = { lines: 'count()', pieces: 'sum(quantity)', total: 'sum(price * quantity)' }
const row = (country: string | null, quantity: number, price = '1.50', day = '2011-01-01'): Row =>
  Object.freeze({ country, day, quantity, price })
const config = (by: string[], more: object = {}) => ({ by, outputs, max_groups: 1000, ...more })
const create = (by: string[], more: object = {}) => aggregate.create(config(by, more) as never, stepContext(input))

const nobody = () => {
  throw new Error('not expected')
}
function drain(transform: ReturnType<typeof create>): { results: Record<string, Row>; failed: string[] } {
  const results: Record<string, Row> = {}
  const failed: string[] = []
  const out = {
    fail: nobody,
    side: nobody,
    result: (r: Row, { key }: ResultKey) => void (results[JSON.stringify(key)] = r),
    failResult: (_: Row, { key }: ResultKey, code: string) => void failed.push(`${JSON.stringify(key)} ${code}`),
  }
  while (!transform.advance!(endOfRun, out));
  return { results, failed }
}
const feed = (transform: ReturnType<typeof create>, rows: readonly Row[]) =>
  transform.apply(recordsOf(rows), { fail: nobody, side: nobody, result: nobody, failResult: nobody }, 'in')

describe('aggregate', () => {
  it('gives one result a group at the end, known by its group', () => {
    const step = create(['country'])
    expect(feed(step, [row('a', 2), row('b', 1), row('a', 3)])).toMatchObject({ rows: [], held: 3 })
    expect(drain(step).results).toEqual({
      '["a"]': { country: 'a', lines: 2, pieces: 5, total: '7.50' },
      '["b"]': { country: 'b', lines: 1, pieces: 1, total: '1.50' },
    })
  })

  it('takes null for a group of its own, several fields for a JSON array, none for one group', () => {
    const step = create(['country', 'day'])
    feed(step, [row(null, 1), row('a', 1), row('a', 1, '1.00', '2011-01-02'), row(null, 4)])
    expect(Object.keys(drain(step).results)).toEqual([
      '[null,"2011-01-01"]',
      '["a","2011-01-01"]',
      '["a","2011-01-02"]',
    ])
    const all = create([])
    feed(all, [row('a', 1), row('b', 2)])
    expect(drain(all).results['[]']).toMatchObject({ lines: 2, pieces: 3 })
  })

  it('hands out what changed, and a restored step goes on where the saved one was', () => {
    const saved = new Map<string, string>()
    let step = create(['country'])
    for (let n = 0; n < 20; n++) {
      feed(step, [row(`c${n % 3}`, n)])
      for (const [key, value] of step.cut!()) value === null ? saved.delete(key) : saved.set(key, value)
      const next = create(['country'])
      next.restore!(savedMemory(saved))
      step = next
    }
    expect(step.cut!()).toEqual([])
    expect(drain(step).results['["c1"]']).toMatchObject({ lines: 7, pieces: 1 + 4 + 7 + 10 + 13 + 16 + 19 })
    for (const [key, value] of step.cut!()) value === null ? saved.delete(key) : saved.set(key, value)
    expect(saved.size).toBe(0)
  })

  it('hands its results out in pieces', () => {
    const step = create(['quantity'], { max_groups: 10_000 })
    feed(
      step,
      Array.from({ length: 2500 }, (_, n) => row('a', n)),
    )
    let calls = 1
    const out = { fail: nobody, side: nobody, result: () => {}, failResult: nobody }
    while (!step.advance!(endOfRun, out)) calls++
    expect(calls).toBe(3)
  })

  it('fails a group whose sum does not fit, and no other', () => {
    const step = create(['country'])
    feed(step, [row('big', Number.MAX_SAFE_INTEGER, '0.01'), row('big', 5, '0.01'), row('small', 5)])
    const { results, failed } = drain(step)
    expect(failed).toEqual(['["big"] out_of_range'])
    expect(Object.keys(results)).toEqual(['["small"]'])
  })

  it('stops by name when there are more groups than allowed', () => {
    const step = create(['quantity'], { max_groups: 2 })
    expect(() => feed(step, [row('a', 1), row('a', 2), row('a', 3)])).toThrow('more than max_groups (2)')
  })

  it('says what is wrong with its groups and outputs', () => {
    const wrong = aggregate.infer(
      { by: ['contry', 'day', 'day'], outputs: { day: 'count()', x: 'sum(country)' }, max_groups: 1 } as never,
      stepContext(input),
    )
    expect(wrong.problems.map((p) => [p.code, p.at.join('.')])).toEqual([
      ['unknown_field', 'by.0'],
      ['duplicate_field', 'by.2'],
      ['duplicate_field', 'outputs.day'],
      [expect.any(String), 'outputs.x'],
    ])
    const right = aggregate.infer(config(['country']) as never, stepContext(input))
    expect(Object.keys(right.output!.fields)).toEqual(['country', 'lines', 'pieces', 'total'])
  })
})
