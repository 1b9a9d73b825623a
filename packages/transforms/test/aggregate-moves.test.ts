/** A stream gains partitions, and the records of a group come from another split than before. */
import type { Row, SavedMemoryEntry, Transform } from '@millrace/core'
import { savedMemory } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { applyTo, finish, recordsOf, recordType, stepContext } from './step.ts'

const windows = {
  none: undefined,
  tumbling: { tumbling: 1000 },
  sliding: { sliding: 1000, slide: 1000 },
  sessions: { session: 1000 },
}

describe.each(Object.entries(windows))(
  'a group moves with the split that its records came from last: %s',
  (_, window) => {
    const create = () =>
      aggregate.create(
        {
          by: ['g'],
          outputs: { n: 'count()', kinds: 'count_distinct(s)' },
          max_groups: 9,
          ...(window && {
            window: { zone: 'UTC', offset: 0, allowed_lateness: 0, shape: 'fields', late: 'drop', ...window },
          }),
        } as never,
        stepContext(recordType({ g: 'integer', s: 'string' }), {
          partitionedBy: ['g'],
          times: { in: { maxOutOfOrderMs: 0 } },
        }),
      )
    const rows: Row[] = Array.from({ length: 300 }, (__, i) => ({ g: 1, s: `s${i}` }))
    const feed = (step: Transform, split: string) =>
      void applyTo(step, recordsOf(rows, { split, times: rows.map(() => 0) }))
    /** As in a state, which has entries by key and split. How far sliding windows have come is no group's. */
    const memory = () => {
      const saved = new Map<string, SavedMemoryEntry>()
      const ofGroups = () => [...saved.values()].filter(([key]) => !/^(fired|settled) /.test(key))
      return {
        save(step: Transform) {
          for (const [key, value, split] of step.takeChanges!())
            if (value === null) saved.delete(`${key} of ${split}`)
            else saved.set(`${key} of ${split}`, [key, value, split])
        },
        restored() {
          const step = create()
          step.restore!(savedMemory(new Map([...saved.values()].map(([key, value, split]) => [key, [value, split]]))))
          return step
        },
        size: () => ofGroups().length,
        splits: () => [...new Set(ofGroups().map(([, , split]) => split))],
      }
    }

    it.each(['restarted', 'running'])('with all its pieces, and leaves nothing behind: %s', (way) => {
      const saved = memory()
      let step = create()
      feed(step, '0')
      saved.save(step)
      const size = saved.size()
      expect(size).toBeGreaterThan(2)
      for (const split of ['3', '4']) {
        if (way === 'restarted') step = saved.restored()
        feed(step, split)
        saved.save(step)
        expect([saved.splits(), saved.size()]).toEqual([[split], size])
      }
      expect(Object.values(finish(saved.restored()).results)).toEqual([expect.objectContaining({ n: 900, kinds: 300 })])
    })

    it('and ends where it is saved', () => {
      const saved = memory()
      const step = create()
      feed(step, '0')
      saved.save(step)
      feed(step, '3')
      finish(step)
      saved.save(step)
      expect(saved.splits().filter((split) => split !== undefined)).toEqual([])
    })
  },
)
