import { endOfRun, type Row } from '@millrace/core'
import { type Entries, saveChanges, savedMemory } from '@millrace/testkit'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { apply, finish, recordType, stepContext } from './step.ts'

const input = recordType({ country: 'string?', day: 'date', quantity: 'integer', price: 'decimal(10,2)' })
const outputs = { lines: 'count()', pieces: 'sum(quantity)', total: 'sum(price * quantity)' }
const row = (country: string | null, quantity: number, price = '1.50', day = '2011-01-01'): Row =>
  Object.freeze({ country, day, quantity, price })
const config = (by: string[], more: object = {}) => ({
  by,
  outputs,
  max_groups: 1000,
  window: undefined,
  emit: undefined,
  forget_after: undefined,
  ...more,
})
const create = (by: string[], more: object = {}) => aggregate.create(config(by, more) as never, stepContext(input))

const feed = (transform: ReturnType<typeof create>, rows: readonly Row[]) => apply(transform, rows).applied

describe('aggregate', () => {
  it('emits one result per group at the end, identified by its group', () => {
    const step = create(['country'])
    expect(feed(step, [row('a', 2), row('b', 1), row('a', 3)])).toMatchObject({ rows: [], held: 3 })
    expect(finish(step).results).toEqual({
      '["a"]': { country: 'a', lines: 2, pieces: 5, total: '7.50' },
      '["b"]': { country: 'b', lines: 1, pieces: 1, total: '1.50' },
    })
  })

  it('treats null as a separate group, several fields as a JSON array, none as one group', () => {
    const step = create(['country', 'day'])
    feed(step, [row(null, 1), row('a', 1), row('a', 1, '1.00', '2011-01-02'), row(null, 4)])
    expect(Object.keys(finish(step).results)).toEqual([
      '[null,"2011-01-01"]',
      '["a","2011-01-01"]',
      '["a","2011-01-02"]',
    ])
    const all = create([])
    feed(all, [row('a', 1), row('b', 2)])
    expect(finish(all).results['[]']).toMatchObject({ lines: 2, pieces: 3 })
  })

  it('identifies a group by the JSON of its values, one for each group', () => {
    const typed = recordType({
      raw: 'bytes',
      d: 'decimal(6,2)',
      day: 'date',
      at: 'timestamp',
      big: 'bigint',
      n: 'number',
    })
    const by = Object.keys(typed.fields)
    const step = aggregate.create(
      { by, outputs: { lines: 'count()' }, max_groups: 9, window: undefined, emit: undefined, forget_after: undefined },
      stepContext(typed),
    )
    const group = (zero: number) => ({
      raw: new Uint8Array([255, 1]),
      d: '1.50',
      day: '2010-12-01',
      at: Date.UTC(2010, 11, 1, 8, 26),
      big: 5n,
      n: zero,
    })
    apply(step, [group(-0), group(0)])
    expect(finish(step).results).toStrictEqual({
      '["/wE=","1.50","2010-12-01","2010-12-01T08:26:00.000Z","5",0]': { ...group(0), lines: 2 },
    })
  })

  it('returns what changed, and a restored step resumes where the saved one was', () => {
    const memory: Entries = new Map()
    let step = create(['country'])
    for (let n = 0; n < 20; n++) {
      feed(step, [row(`c${n % 3}`, n)])
      saveChanges(step, memory)
      const next = create(['country'])
      next.restore!(savedMemory(memory))
      step = next
    }
    expect(step.takeChanges!()).toEqual([])
    expect(finish(step).results['["c1"]']).toMatchObject({ lines: 7, pieces: 1 + 4 + 7 + 10 + 13 + 16 + 19 })
    saveChanges(step, memory)
    expect(memory.size).toBe(0)
  })

  it('emits its results in pieces', () => {
    const step = create(['quantity'], { max_groups: 10_000 })
    feed(
      step,
      Array.from({ length: 2500 }, (_, n) => row('a', n)),
    )
    let calls = 1
    const nothing = () => {}
    const out = { fail: nothing, side: nothing, result: nothing, failResult: nothing }
    while (!step.advance!(endOfRun, out)) calls++
    expect(calls).toBe(3)
  })

  it('fails a group whose sum does not fit, and no other', () => {
    const step = create(['country'])
    feed(step, [row('big', Number.MAX_SAFE_INTEGER, '0.01'), row('big', 5, '0.01'), row('small', 5)])
    const { results, failed } = finish(step)
    expect(failed).toEqual(['["big"] out_of_range'])
    expect(Object.keys(results)).toEqual(['["small"]'])
  })

  it('makes no group of records that fail', () => {
    const outputs = { rate: 'sum(10 / quantity)' }
    const create = () =>
      aggregate.create(
        { by: ['country'], outputs, max_groups: 1, window: undefined, emit: undefined, forget_after: undefined },
        stepContext(input),
      )
    const step = create()
    const rows = [row('a', 0), row('b', 1), row('c', 0)]
    expect(apply(step, rows)).toMatchObject({ failed: [{ i: 0 }, { i: 2 }], applied: { held: 1 } })
    const memory: Entries = new Map()
    saveChanges(step, memory)
    const restarted = create()
    restarted.restore!(savedMemory(memory))
    for (const each of [step, restarted]) expect(finish(each).results).toEqual({ '["b"]': { country: 'b', rate: 10 } })
  })

  it.each(['last(text)', 'first(text)', 'max(text)', 'count_distinct(text)', 'last(raw)'])(
    '%s keeps a value, not the chunk of the file that it was read from',
    (output) => {
      setFlagsFromString('--expose-gc')
      const collect = runInNewContext('gc') as () => void
      const used = () => {
        collect()
        const { heapUsed, arrayBuffers } = process.memoryUsage()
        return heapUsed + arrayBuffers
      }
      const typed = recordType({ g: 'integer', text: 'string', raw: 'bytes' })
      const step = aggregate.create(
        {
          by: ['g'],
          outputs: { output },
          max_groups: 9999,
          window: undefined,
          emit: undefined,
          forget_after: undefined,
        },
        stepContext(typed),
      )
      const before = used()
      for (let g = 0; g < 1000; g++) {
        const chunk = Buffer.alloc(65_536, `text of chunk ${g}, `)
        apply(step, [{ g, text: chunk.toString('latin1').slice(0, 20), raw: chunk.subarray(0, 20) }])
      }
      expect(used() - before).toBeLessThan(20e6)
      expect(Object.keys(finish(step).results)).toHaveLength(1000)
    },
  )

  it('stops with a named error when there are more groups than allowed', () => {
    const step = create(['quantity'], { max_groups: 2 })
    expect(() => feed(step, [row('a', 1), row('a', 2), row('a', 3)])).toThrow('more than max_groups (2)')
  })

  it('reports what is wrong with its groups and outputs', () => {
    const wrong = aggregate.infer(
      {
        by: ['contry', 'day', 'day'],
        outputs: { day: 'count()', x: 'sum(country)' },
        max_groups: 1,
        window: undefined,
        emit: undefined,
        forget_after: undefined,
      } as never,
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
