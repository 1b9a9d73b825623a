/** Flow 4 as it is served: the generator by its schedule, the analyses kept up. */
import { cpSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { virtualClock } from '@millrace/core/testing'
import { expect, it } from 'vitest'
import { openLedger } from '../../src/serve/ledger.ts'
import type { Scheduled } from '../../src/serve/scheduled.ts'
import { createScheduler } from '../../src/serve/scheduler.ts'
import { freshFolder, pipe } from '../terminal.ts'
import { serve } from './serving.ts'

const root = resolve(import.meta.dirname, '../../../..')

function copy(): string {
  const folder = freshFolder()
  cpSync(join(root, 'pipelines/ecommerce-website'), folder, { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

it('makes a batch a day at midnight UTC, tries once more after 5 minutes, and makes up for none', {
  timeout: 60_000,
}, async () => {
  const folder = copy()
  const planned = await pipe(['plan', 'generator', '--json'], folder)
  const { schedule } = JSON.parse(planned.out) as { schedule: NonNullable<Scheduled['schedule']> }
  const clock = virtualClock(Date.parse('2026-03-01T12:00:00Z'))
  const ledger = openLedger(freshFolder())
  const seen: string[] = []
  const serveUntil = async (end: string) => {
    const scheduler = createScheduler({
      clock,
      ledger,
      decided: () => {},
      async launch({ attempts, dueMs }) {
        const set = ['--set', `clock=${new Date(dueMs).toISOString()}`]
        seen.push(`${new Date(clock.now()).toISOString().slice(0, 16)} attempt ${attempts}`)
        if (attempts === 1) return { type: 'failed', why: { code: 'unreachable', message: 'no broker' } }
        const { code } = await pipe(['run', 'generator', '--json', ...set], folder)
        seen.push(`ended with ${code}`)
        return { type: 'succeeded' }
      },
    })
    scheduler.set([{ name: 'generator', staysUp: false, schedule, readsAfter: [] }])
    while (clock.now() < Date.parse(end)) {
      await clock.moveTo(clock.now() + 60_000)
      // A batch is made in real time.
      while (ledger.openOf('generator').some(({ state }) => state === 'running'))
        await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await scheduler.stop()
  }
  await serveUntil('2026-03-02T01:00:00Z')
  await clock.moveTo(Date.parse('2026-03-04T06:00:00Z'))
  await serveUntil('2026-03-05T01:00:00Z')
  ledger.close()
  expect(seen).toEqual([
    '2026-03-02T00:00 attempt 1',
    '2026-03-02T00:05 attempt 2',
    'ended with 0',
    '2026-03-05T00:00 attempt 1',
    '2026-03-05T00:05 attempt 2',
    'ended with 0',
  ])
})

it('keeps the analyses up while batches are made', { timeout: 120_000 }, async () => {
  const folder = copy()
  const served = serve(folder)
  await served.seen('analyses', 'started')
  for (const n of [1, 2]) {
    expect(await pipe(['trigger', 'generator'], folder)).toMatchObject({ code: 0 })
    await served.seen('generator', 'succeeded', n)
  }
  served.child.kill('SIGTERM')
  expect(await served.ended).toBe(0)
  const { runs } = JSON.parse((await pipe(['runs', 'list', '--json'], folder)).out) as {
    runs: { pipeline: string; counts: { read: number; written: number; failed: number } }[]
  }
  const read = (pipeline: string) =>
    runs.filter((run) => run.pipeline === pipeline).reduce((sum, run) => sum + run.counts.read, 0)
  expect(read('generator')).toBeGreaterThan(800)
  // The analyses do not read the lines of the log.
  expect(read('analyses')).toBe(read('generator') - 200)
})
