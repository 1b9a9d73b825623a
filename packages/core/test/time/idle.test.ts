/** Which time counts for `idle_after`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Source } from '../../src/connector/index.ts'
import { batch } from '../../src/record/index.ts'
import { run } from '../../src/run/index.ts'
import { testPipeline } from '../../src/testing.ts'
import { testClock } from './clock.ts'
import { tumblingCount } from './steps.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-idle-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const timed = (split: string, times: readonly number[]) =>
  batch({
    split,
    rows: times.map((time) => ({ id: `${split} ${time}`, time })),
    position: times.at(-1)!,
    times: Float64Array.from(times),
    bytes: 10,
  })

it('not that in which a sink is slow, though the source has been asked and has answered meanwhile', async () => {
  const clock = testClock()
  const turns = async (n: number) => {
    for (let k = 0; k < n; k++) await clock.turn()
  }
  const source: Source = {
    async *read() {
      yield { splits: [{ id: 'fast' }, { id: 'quiet' }], complete: true }
      yield { caughtUp: ['quiet'] }
      yield timed('fast', [101, 102, 103, 104])
      // The reader hands over what it has, and waits for room.
      await turns(5)
      yield timed('quiet', [5])
    },
  }
  const late: unknown[] = []
  const windows: unknown[] = []
  const { plan, registry } = testPipeline({
    sources: {
      events: { create: () => source, eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: 0, idleAfterMs: 20 } },
    },
    steps: {
      counts: {
        create: () => tumblingCount({ size: 10, allowed: 0, maxOutOfOrder: 0 }),
        stateful: true,
        ordered: true,
        sideOutputs: ['late'],
      },
    },
    sinks: {
      slow: {
        from: ['events'],
        create: () => ({
          async write() {
            await turns(20)
            for (let ms = 0; ms < 100; ms += 5) {
              clock.advance(5)
              await clock.turn()
            }
          },
        }),
      },
      windows: {
        from: ['counts'],
        create: () => ({ write: ({ rows }) => void windows.push(...rows.map((row) => row['ids'])) }),
      },
      late: {
        from: ['late'],
        create: () => ({ write: ({ rows }) => void late.push(...rows.map((row) => row['id'])) }),
      },
    },
  })
  const bounds = { minRecords: 1000, minMs: 1_000_000, aheadRows: 3, tickMs: 1 }
  await run(plan, registry, { root: home, home, secrets: () => undefined, clock, bounds })
  expect(late).toEqual([])
  expect(windows).toContain('quiet 5')
})
