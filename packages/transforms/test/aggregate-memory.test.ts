/**
 * The groups of `aggregate` across restarts, edits and rescaling, compared with a model; and the proof that the order
 * of records does not matter.
 */
import { MillraceError, Records, type Row } from '@millrace/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { instances } from './instances.ts'
import { applyTo, finish, recordsOf, recordType, stepContext } from './step.ts'

const input = recordType({ g: 'integer', n: 'integer', s: 'string', raw: 'bytes?', note: 'string?' })
const outputs = { n: 'count()', sum: 'sum(n)', kinds: 'count_distinct(s)' }
const rowOf = (g: number, n: number): Row => ({ g, n, s: `s${n % 3}`, raw: null, note: null })

const script = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ rows: fc.array(fc.tuple(fc.nat(12), fc.nat(9)), { minLength: 1, maxLength: 8 }) }),
    },
    { weight: 2, arbitrary: fc.constant('save' as const) },
    { weight: 1, arbitrary: fc.record({ restart: fc.option(fc.integer({ min: 1, max: 12 })) }) },
    { weight: 1, arbitrary: fc.record({ rescale: fc.integer({ min: 1, max: 3 }) }) },
  ),
  { maxLength: 16, size: 'max' },
)

describe.each(['of one memory', 'of each split apart'])('groups %s', (way) => {
  const apart = way.endsWith('apart')
  const ctx = stepContext(input, apart ? { partitionedBy: ['g'] } : {})
  it('match the records, whatever was saved, killed, edited and moved in between', () => {
    fc.assert(
      fc.property(script, fc.integer({ min: 4, max: 14 }), (made, cap) => {
        let limit = cap
        const create = () =>
          aggregate.create(
            { by: ['g'], outputs, max_groups: limit, window: undefined, emit: undefined, forget_after: undefined },
            ctx,
          )
        const steps = instances(create)
        let seen: Row[] = []
        let savedRows: readonly Row[] = []
        // The most groups that any one instance has.
        const most = (rows: readonly Row[], n: number) =>
          Math.max(
            0,
            ...[...Map.groupBy(groupsOf(rows).keys(), (g) => (g % 3) % n).values()].map(({ length }) => length),
          )
        let n = 1
        for (const each of made) {
          if (each === 'save') {
            steps.save()
            savedRows = [...seen]
          } else if ('restart' in each) {
            limit = each.restart ?? limit
            steps.restart(create)
            seen = [...savedRows]
          } else if ('rescale' in each) {
            if (!apart) continue
            steps.rescale((n = each.rescale))
            savedRows = [...seen]
          } else {
            for (const [split, own] of Map.groupBy(each.rows, ([g]) => String(g % 3))) {
              const rows = own.map(([g, value]) => rowOf(g, value))
              seen = [...seen, ...rows]
              const ownerHas = [...groupsOf(seen).keys()].filter((g) => (g % 3) % n === Number(split) % n).length
              const fed = () => steps.feed(split, rows)
              if (ownerHas <= limit) {
                expect(fed().applied.held).toBe(rows.length)
                continue
              }
              // It stops with a named error, unsaved; with a raised cap it resumes.
              expect(fed).toThrow(MillraceError)
              limit = 100
              steps.restart(create)
              seen = [...savedRows]
            }
          }
        }
        expect(most(seen, n)).toBeLessThanOrEqual(100)
        const expected = [...groupsOf(seen)].map(([g, rows]) => [
          `[${g}]`,
          {
            g,
            n: rows.length,
            sum: rows.reduce((sum, row) => sum + (row['n'] as number), 0),
            kinds: new Set(rows.map((row) => row['s'])).size,
          },
        ])
        const { results } = steps.finish()
        expect(results).toEqual(Object.fromEntries(expected))
        steps.save()
        expect(steps.entries).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

const groupsOf = (rows: readonly Row[]): Map<number, Row[]> => Map.groupBy(rows, (row) => row['g'] as number)

describe('what aggregate reports about its memory', () => {
  const base = {
    by: ['g'],
    outputs: { n: 'count()', first: 'first(s)', mean: 'sum(n) / count()' },
    max_groups: 10,
    window: undefined,
    emit: undefined,
    forget_after: undefined,
  }
  const memory = (config: object = {}, fields: object = {}, more: object = {}) => {
    const type = recordType({ g: 'integer', n: 'integer', s: 'string', raw: 'bytes?', note: 'string?', ...fields })
    return aggregate.memory!({ ...base, ...config } as never, stepContext(type, more))
  }
  it.each([
    ['the most groups', memory({ max_groups: 99, window: undefined, emit: undefined, forget_after: undefined })],
    ['names of outputs', memory({ outputs: { lines: 'count()', start: 'first(s)', total: 'sum(n)' } })],
    ['their order, and spaces', memory({ outputs: { mean: 'sum( n )/count( )', first: 'first(s)', n: 'count()' } })],
    ['fields that it does not look at', memory({}, { note: 'json', raw: 'string', more: 'integer' })],
    ['that a group may be null', memory({}, { g: 'integer?' })],
  ])('%s do not change it', (_, other) => expect(other).toEqual(memory()))
  it.each([
    ['other groups', memory({ by: ['g', 's'] })],
    ['another type of a group', memory({}, { g: 'bigint' })],
    ['another type in an expression', memory({}, { n: 'number' })],
    ['another aggregate', memory({ outputs: { ...base.outputs, least: 'min(n)' } })],
    ['one less', memory({ outputs: { n: 'count()', first: 'first(s)' } })],
    ['memory of each split apart', memory({}, {}, { partitionedBy: ['g'] })],
  ])('with %s it is different', (_, other) => expect(other).not.toEqual(memory()))
  it('is keyed by its groups, and counts', () => {
    expect(aggregate.keyedBy!(base)).toEqual(['g'])
    expect(aggregate.keyedBy!({ ...base, by: [] })).toBeUndefined()
    expect(aggregate.counts).toBe(true)
  })
})

const every = {
  count: 'count()',
  sum: 'sum(n)',
  average: 'avg(n)',
  least: 'min(s)',
  most: 'max(n)',
  first: 'first(n)',
  last: 'last(n)',
  kinds: 'count_distinct(raw)',
}

it('yields the same in whatever order records of several sources and splits arrive, so they need not be ordered', () => {
  expect((aggregate.ordered as (options: unknown, times: object) => boolean)({}, {})).toBe(false)
  // Two sources have splits with the same name, and records with the same time and position.
  const record = fc.record({
    source: fc.constantFrom('a', 'b'),
    split: fc.constantFrom('0', '1', 'b'),
    time: fc.nat(1),
    n: fc.nat(50),
    g: fc.nat(1),
  })
  const inOrder = (all: readonly { source: string; split: string }[], order: readonly number[]): Records => {
    // Within a split the order stays: the next record of the split replaces whichever was drawn.
    const waiting = Map.groupBy(all.keys(), (i) => `${all[i]!.source}/${all[i]!.split}`)
    const queues = new Map([...waiting].map(([split, own]) => [split, [...own]]))
    const sets = order.map((drawn) => {
      const { source, split } = all[drawn]!
      const i = queues.get(`${source}/${split}`)!.shift()!
      const { time, n, g } = all[i] as never as { time: number; n: number; g: number }
      const at = waiting.get(`${source}/${split}`)!.indexOf(i)
      const row = { ...rowOf(g, n), raw: new Uint8Array([n % 2]) }
      return recordsOf([row], { source, split, at: [at], times: [time] })
    })
    return Records.concat(sets)
  }
  fc.assert(
    fc.property(
      fc
        .uniqueArray(record, { minLength: 1, maxLength: 12, comparator: () => false })
        .chain((all) =>
          fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
            fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
          ),
        ),
      ([all, one, other]) => {
        const results = [one, other].map((order) => {
          const step = aggregate.create(
            { by: ['g'], outputs: every, max_groups: 9, window: undefined, emit: undefined, forget_after: undefined },
            stepContext(input),
          )
          applyTo(step, inOrder(all, order))
          return finish(step).results
        })
        expect(results[0]).toEqual(results[1])
      },
    ),
    { numRuns: 500 },
  )
})
