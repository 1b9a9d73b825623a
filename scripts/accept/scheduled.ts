/** Fires the schedule of a pipeline by a pinned clock, with the scheduler of `pipe serve`. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { virtualClock } from '@millrace/core/testing'
import { openLedger } from '../../packages/cli/src/serve/ledger.ts'
import type { Scheduled } from '../../packages/cli/src/serve/scheduled.ts'
import { createScheduler } from '../../packages/cli/src/serve/scheduler.ts'
import { pipe } from '../pipe.ts'
import type { Place } from './stores.ts'

/** Runs a pipeline whenever it is due between two times; returns when that was. */
export async function runAsScheduled(place: Place, pipeline: string, from: string, to: string): Promise<string[]> {
  const { profile, folder: cwd, env } = place
  const planned = await pipe(['plan', pipeline, '--profile', profile, '--json'], { cwd, env })
  const { schedule } = JSON.parse(planned.out) as { schedule: NonNullable<Scheduled['schedule']> }
  const clock = virtualClock(Date.parse(from))
  const ledger = openLedger(mkdtempSync(join(tmpdir(), 'millrace-schedule-')))
  const fired: string[] = []
  const scheduler = createScheduler({
    clock,
    ledger,
    decided: () => {},
    async launch({ dueMs }) {
      fired.push(new Date(dueMs).toISOString())
      const { code, out, err } = await pipe(['run', pipeline, '--profile', profile, '--json'], { cwd, env })
      if (code !== 0) throw new Error(`${pipeline} ended with ${code}\n${out}${err}`)
      return { type: 'succeeded' }
    },
  })
  try {
    scheduler.set([{ name: pipeline, staysUp: false, schedule, readsAfter: [] }])
    while (clock.now() < Date.parse(to)) {
      await clock.moveTo(Math.min(clock.now() + 3_600_000, Date.parse(to)))
      // A batch takes real time.
      while (ledger.openOf(pipeline).some(({ state }) => state === 'running')) await sleep(10)
    }
    return fired
  } finally {
    await scheduler.stop()
    ledger.close()
  }
}
