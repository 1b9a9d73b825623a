import { type Entries, saveChanges, savedMemory } from '@millrace/testkit'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dedupe } from '../src/dedupe/index.ts'
import { apply, problems, recordType, run, stepContext } from './step.ts'

const input = recordType({ id: 'string', n: 'integer', customer: 'integer?' })
const row = (id: string, n = 1, customer: number | null = null) => ({ id, n, customer })
const ids = (rows: readonly Readonly<Record<string, unknown>>[]) => rows.map((r) => r['id'])

describe('dedupe', () => {
  it('lets the first of equal keys pass and filters out the others', () => {
    const out = run(dedupe, { by: 'id', last: 10 }, input, [row('a', 1), row('b', 2), row('a', 3), row('c', 4)])
    expect(out.rows.map((r) => r['n'])).toEqual([1, 2, 4])
    expect(out.origins).toEqual([0, 1, 3])
    expect(out.failed).toEqual([])
    expect(out.type).toBe('{ id: string, n: integer, customer: integer? }')
  })

  it('passes on the very same rows where all differ', () => {
    const rows = [row('a'), row('b')]
    const out = run(dedupe, { by: 'id', last: 10 }, input, rows)
    expect(out.applied.origins).toBe(undefined)
    expect(out.rows[0]).toBe(rows[0])
  })

  it('distinguishes keys of several fields, across batches too', () => {
    const { transform, rows } = run(dedupe, { by: ['id', 'n'], last: 10 }, input, [
      row('a', 1),
      row('a', 2),
      row('a,1', 1),
    ])
    expect(rows.length).toBe(3)
    expect(apply(transform, [row('a', 2), row('b', 1)]).rows).toEqual([row('b', 1)])
  })

  it('remembers the last records that passed, and no others', () => {
    const { transform } = run(dedupe, { by: 'id', last: 2 }, input, [])
    const passes = (id: string) => apply(transform, [row(id)]).rows.length === 1
    expect(['a', 'b', 'a', 'b', 'c', 'a', 'c', 'a', 'b'].map(passes)).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
      false,
      false,
      true,
    ])
  })

  it('lets records without a key pass, or treats null as equal to null', () => {
    const rows = [row('a'), row('b'), row('c', 1, 5), row('d', 1, 5)]
    expect(ids(run(dedupe, { by: 'customer', last: 10, nulls: 'pass' }, input, rows).rows)).toEqual(['a', 'b', 'c'])
    expect(ids(run(dedupe, { by: ['customer', 'n'], last: 10, nulls: 'equal' }, input, rows).rows)).toEqual(['a', 'c'])
  })

  it('resumes after a restart where the last cut left it', () => {
    // Few keys and a short memory, or several hundred keys in several blocks.
    const small = fc.record({
      epochs: fc.array(fc.array(fc.nat(6), { maxLength: 6 }), { maxLength: 12 }),
      last: fc.integer({ min: 1, max: 4 }),
    })
    const large = fc.record({
      epochs: fc.array(fc.array(fc.nat(700), { minLength: 50, maxLength: 150 }), { minLength: 3, maxLength: 8 }),
      last: fc.integer({ min: 50, max: 350 }),
    })
    fc.assert(
      fc.property(fc.oneof(small, large), fc.nat(11), ({ epochs, last }, crashAt) => {
        const config = { by: 'id', last, nulls: undefined }
        const create = () => dedupe.create(config, stepContext(input))
        const steady = create()
        const expected = epochs.map((keys) =>
          ids(
            apply(
              steady,
              keys.map((k) => row(`k${k}`)),
            ).rows,
          ),
        )
        const memory: Entries = new Map()
        const seen: unknown[] = []
        let step = create()
        for (const [e, keys] of epochs.entries()) {
          const batch = keys.map((k) => row(`k${k}`))
          if (e === crashAt) {
            apply(step, batch) // not saved: replayed
            step = create()
            step.restore!(savedMemory(memory))
          }
          seen.push(ids(apply(step, batch).rows))
          saveChanges(step, memory)
          expect(memory.size).toBeLessThanOrEqual(Math.ceil(last / 100) + 1)
        }
        expect(seen).toEqual(expected)
      }),
      // A failure is not worth minutes of shrinking.
      { interruptAfterTimeLimit: 10_000 },
    )
  })

  it('saves keys in blocks, each once, and forgets blocks with no remembered keys', () => {
    const { transform } = run(dedupe, { by: 'id', last: 120 }, input, [])
    const pass = (from: number, to: number) =>
      apply(
        transform,
        Array.from({ length: to - from }, (_, i) => row(`k${from + i}`)),
      )
    const cut = () =>
      transform.takeChanges!().map(([block, keys]) => [
        block,
        keys && (JSON.parse(keys) as unknown[]).slice(0, 3),
        keys && (JSON.parse(keys) as unknown[]).length - 2,
      ])
    pass(0, 150)
    expect(cut()).toEqual([
      ['0', [30, 30, 'k30'], 70],
      ['1', [100, 30, 'k100'], 50],
    ])
    expect(cut()).toEqual([])
    pass(150, 230)
    expect(cut()).toEqual([
      ['0', null, null],
      ['1', [110, 110, 'k110'], 90],
      ['2', [200, 110, 'k200'], 30],
    ])
    pass(230, 1000)
    expect(cut().map(([block]) => block)).toEqual(['1', '2', '8', '9'])
  })

  it('forgets the same keys whether it was restarted or not', () => {
    const create = () => dedupe.create({ by: 'id', last: 120, nulls: undefined }, stepContext(input))
    const batch = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(`k${from + i}`))
    const steady = create()
    const memory: Entries = new Map()
    for (const [from, to] of [
      [0, 150],
      [150, 230],
      [230, 250],
    ] as const) {
      apply(steady, batch(from, to))
      saveChanges(steady, memory)
    }
    const restarted = create()
    restarted.restore!(savedMemory(memory))
    expect(ids(apply(restarted, batch(125, 135)).rows)).toEqual([
      'k125',
      'k126',
      'k127',
      'k128',
      'k129',
      'k130',
      'k131',
      'k132',
      'k133',
      'k134',
    ])
    expect(ids(apply(steady, batch(125, 135)).rows)).toHaveLength(10)
    expect(ids(apply(restarted, batch(140, 250)).rows)).toEqual([])
  })

  it('reports what is wrong with its config', () => {
    const typed = recordType({ id: 'string', customer: 'integer?', o: 'json' })
    expect(problems(dedupe, { by: 'ids', last: 1 }, typed)).toEqual([
      'unknown_field by: the records have no field `ids` here',
    ])
    expect(problems(dedupe, { by: ['id', 'id'], last: 1 }, typed)).toEqual([
      'duplicate_field by.1: `id` is listed twice',
    ])
    expect(problems(dedupe, { by: 'o', last: 1, nulls: 'pass' }, typed)).toEqual([
      'wrong_type by: `o` cannot be part of a key',
    ])
    expect(problems(dedupe, { by: ['id', 'customer'], last: 1 }, typed)).toEqual([
      'maybe_null by.1: `customer` may be null: are records without it the same?',
    ])
  })
})
