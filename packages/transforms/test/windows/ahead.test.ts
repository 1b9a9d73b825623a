/** What `max_skew` promises: a lane far ahead opens few windows, and an empty lane holds nobody. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Row, run, type Transform } from '@millrace/core'
import { testPipeline } from '@millrace/core/testing'
import { expect, it, onTestFinished } from 'vitest'
import { testClock } from '../../../core/test/time/clock.ts'
import { lanesSource } from '../../../core/test/time/lanes-source.ts'
import { aggregate } from '../../src/aggregate/index.ts'
import { recordType, stepContext } from '../step.ts'

const minute = 60_000
const month = 30 * 24 * 60 * minute
const [size, maxOutOfOrderMs, maxSkewMs] = [10 * minute, 7 * minute, 60 * minute]

it('one lane a month ahead: few windows are open at a time, and the run ends though another lane is empty', async () => {
  const home = mkdtempSync(join(tmpdir(), 'millrace-ahead-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const records = (lane: string, from: number, n: number) =>
    Array.from({ length: n }, (_, i) => ({ id: `${lane}${i}`, time: from + i * minute }))
  const lanes = { ahead: records('a', month, 300), behind: records('b', 0, 300), empty: [] }
  const clock = testClock()
  let most = 0
  const watched = (step: Transform): Transform => ({
    ...step,
    apply(...args) {
      const applied = step.apply(...args)
      most = Math.max(most, step.waiting!().windows)
      return applied
    },
  })
  const eventTime = { field: 'time', zone: 'UTC', maxOutOfOrderMs, maxSkewMs, idleAfterMs: 50 }
  const options = {
    by: [],
    outputs: { n: 'count()' },
    max_groups: 1000,
    emit: undefined,
    window: { tumbling: size, zone: 'UTC', offset: 0, allowed_lateness: 0, shape: 'fields', late: 'drop' },
  } as never
  const ctx = stepContext(recordType({ id: 'string', time: 'integer' }), { times: { events: eventTime } })
  // The empty lane is caught up, and becomes idle; the others are read in turns.
  const turns = Array.from({ length: 400 }, (_, i) => ({ split: i % 2 === 0 ? 'ahead' : 'behind', n: 3 }))
  const script = [{ caughtUp: ['empty'] }, { passMs: 100 }, ...turns]
  const rows: Row[] = []
  let held = 0
  const { plan, registry } = testPipeline({
    sources: { events: { eventTime, create: () => lanesSource(lanes, script, clock, () => void held++) } },
    steps: {
      windows: {
        create: () => watched(aggregate.create(options, ctx)),
        stateful: true,
        counts: true,
        ordered: true,
      },
    },
    sinks: { all: { create: () => ({ write: (records) => void rows.push(...records.rows) }) } },
  })
  await run(plan, registry, { root: home, home, secrets: () => undefined, clock, bounds: { tickMs: 10 } })
  expect(rows.reduce((sum, row) => sum + Number(row['n']), 0)).toBe(600)
  expect(rows).toHaveLength(60)
  expect(held).toBeGreaterThan(0)
  expect(most).toBeLessThan((maxSkewMs + maxOutOfOrderMs) / size + 2)
})
