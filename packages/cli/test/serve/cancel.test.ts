/** A run that somebody ends: whatever it was doing, it ends once, and what comes after it is as the spec says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PlanSchedule } from '@millrace/core'
import { virtualClock } from '@millrace/core/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLedger } from '../../src/serve/ledger.ts'
import type { Run } from '../../src/serve/run.ts'
import type { Ending } from '../../src/serve/scheduled.ts'
import { createScheduler } from '../../src/serve/scheduler.ts'

const start = Date.parse('2026-03-01T00:30:00Z')

/** A pipeline that is run by hand, twice tried; `endings`: how its processes end, or `drain` once they are told to. */
function scheduled(staysUp: boolean, ...endings: readonly (Ending | 'drain')[]) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cancel-'))
  const clock = virtualClock(start)
  const ledger = openLedger(folder)
  onTestFinished(() => {
    ledger.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const left = [...endings]
  const launched: Run[] = []
  const launch = (run: Run, signal: AbortSignal): Promise<Ending> => {
    launched.push(run)
    const ending = left.shift() ?? 'drain'
    if (ending !== 'drain') return Promise.resolve(ending)
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => resolve({ type: 'stopped', counts: { read: 3, written: 2, failed: 0 } })),
    )
  }
  const scheduler = createScheduler({ clock, ledger, launch, decided: () => {} })
  const schedule = { start: { cron: '0 0 1 1 *', timezone: 'UTC' }, retries: 1, backoffMs: 60_000 } as PlanSchedule
  scheduler.set([{ name: 'a', staysUp, readsAfter: [], ...(staysUp ? {} : { schedule }) }])
  const states = () => ledger.list({ limit: 9 }).map(({ state }) => state)
  const settle = () => new Promise((resolve) => setTimeout(resolve, 10))
  return { scheduler, clock, ledger, launched, states, settle }
}

describe('ending a run', () => {
  it('drains one that runs, with what it did, and a second request changes nothing', async () => {
    const { scheduler, ledger, states, settle } = scheduled(false)
    scheduler.trigger('a', 'r1', start)
    scheduler.cancel(1)
    scheduler.cancel(1)
    await settle()
    expect(ledger.get(1)).toMatchObject({ state: 'cancelled', code: null, counts: { read: 3, written: 2, failed: 0 } })
    scheduler.trigger('a', 'r2', start)
    expect(states()).toEqual(['running', 'cancelled'])
  })

  it('ends one that waits for another, and one that would be tried again', async () => {
    const failed = { type: 'failed', why: { code: 'x', message: 'no' } } as const
    const { scheduler, states, settle } = scheduled(false, 'drain')
    scheduler.trigger('a', 'r1', start)
    scheduler.trigger('a', 'r2', start)
    expect(states()).toEqual(['waiting', 'running'])
    scheduler.cancel(2)
    expect(states()).toEqual(['cancelled', 'running'])
    const other = scheduled(false, failed)
    other.scheduler.trigger('a', 'r1', start)
    await settle()
    expect(other.states()).toEqual(['retrying'])
    other.scheduler.cancel(1)
    await other.clock.moveTo(start + 600_000)
    await settle()
    expect([other.states(), other.launched.length]).toEqual([['cancelled'], 1])
  })

  it('leaves one that is over as it was', async () => {
    const { scheduler, states, settle } = scheduled(false, { type: 'succeeded' })
    scheduler.trigger('a', 'r1', start)
    await settle()
    scheduler.cancel(1)
    scheduler.cancel(7)
    expect(states()).toEqual(['succeeded'])
  })

  it('holds what stays up until somebody runs it', async () => {
    const { scheduler, clock, states, settle } = scheduled(true)
    await settle()
    expect(states()).toEqual(['running'])
    scheduler.cancel(1)
    await settle()
    await clock.moveTo(start + 600_000)
    await settle()
    expect(states()).toEqual(['cancelled'])
    scheduler.trigger('a', 'r1', start)
    await settle()
    expect(states()).toEqual(['running', 'cancelled'])
  })
})
