/** A restart reads the groups of windows when they are needed: so it takes no longer the more of them are open. */
import type { Row, SavedMemory, Transform } from '@millrace/core'
import { type Entries, saveChanges, savedMemory } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { apply, finish, recordType, stepContext } from './step.ts'

const groups = 3500
/** One in 500 groups has so many values that some are saved in pieces of their own, which cross pages. */
const valuesOf = (g: number) => (g % 500 === 7 ? 1500 : 1)

describe.each(Object.entries({ tumbling: { tumbling: 1000 }, sliding: { sliding: 1000, slide: 1000 } }))(
  'groups of windows: %s',
  (_, window) => {
    const create = () =>
      aggregate.create(
        {
          by: ['g'],
          outputs: { n: 'count()', kinds: 'count_distinct(x)' },
          max_groups: 10_000,
          window: { zone: 'UTC', offset: 0, allowed_lateness: 0, shape: 'fields', late: 'drop', ...window },
        } as never,
        stepContext(recordType({ g: 'integer', x: 'integer' }), { times: { in: { maxOutOfOrderMs: 0 } } }),
      )
    const feed = (step: Transform, rows: readonly Row[]) => void apply(step, rows, { times: rows.map(() => 0) })
    const all = Array.from({ length: groups }, (__, g) =>
      Array.from({ length: valuesOf(g) }, (___, x): Row => ({ g, x })),
    ).flat()
    const restored = (entries: Entries) => {
      const read = new Set<string>()
      const memory = savedMemory(entries)
      const watched: SavedMemory = {
        get: memory.get,
        entries(range) {
          const found = [...memory.entries(range)]
          for (const [key] of found) read.add(key)
          return found
        },
      }
      const step = create()
      step.restore!(watched)
      return { step, read }
    }

    it('are read when a record comes, or when they fire', () => {
      const entries: Entries = new Map()
      const before = create()
      feed(before, all)
      saveChanges(before, entries)
      expect(entries.size).toBeGreaterThan(groups + 70)

      const { step, read } = restored(entries)
      expect(read.size).toBe(1)
      expect(step.waiting?.()).toMatchObject({ windows: 1, records: all.length })
      expect(step.takeChanges!()).toEqual([])
      // One that is small, one with pieces, one that is new; a save in between, which the next reads must not see.
      feed(
        step,
        [1, 7, groups].map((g): Row => ({ g, x: 5000 })),
      )
      expect(read.size).toBe(1 + 1 + 12)
      saveChanges(step, entries)
      feed(step, [{ g: groups, x: 5000 }])

      const { results } = finish(step)
      const kinds = Object.values(results).map(({ g, kinds: found }) => [g, found])
      const expected = Array.from({ length: groups + 1 }, (__, g) => [
        g,
        g === groups ? 1 : valuesOf(g) + (g === 1 || g === 7 ? 1 : 0),
      ])
      expect(kinds.toSorted(([a], [b]) => (a as number) - (b as number))).toEqual(expected)
      saveChanges(step, entries)
      expect([...entries.keys()].filter((key) => key !== 'fired' && key !== 'settled')).toEqual([])
    })

    it('beyond the cap stop a run that has not read them', () => {
      const entries: Entries = new Map()
      const before = create()
      feed(before, all)
      feed(
        before,
        Array.from({ length: 10_000 - groups }, (__, i): Row => ({ g: groups + i, x: 0 })),
      )
      saveChanges(before, entries)
      const { step } = restored(entries)
      feed(step, [{ g: 1, x: 9 }])
      expect(() => feed(step, [{ g: 20_000, x: 0 }])).toThrow('10001 groups')
    })
  },
)
