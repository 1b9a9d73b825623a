/**
 * Random schedules under a pinned clock: cron fields, zones whose clocks change, overlap, catch-up, retries, and a
 * `serve` that is stopped and killed. Every run that should have been has been, once: which ones is read off the clock
 * minute by minute, without the code under test. `MILLRACE_SCHEDULES=2000` tries more of them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock, PlanSchedule } from '@millrace/core'
import { cron } from '@millrace/core'
import { virtualClock } from '@millrace/core/testing'
import { describe, expect, it } from 'vitest'
import { openLedger } from '../../src/serve/ledger.ts'
import type { Run } from '../../src/serve/run.ts'
import type { Ending } from '../../src/serve/scheduled.ts'
import { createScheduler } from '../../src/serve/scheduler.ts'
import { instantsOf, wallClock } from './cron-model.ts'

const cases = Number(process.env['MILLRACE_SCHEDULES'] ?? 100)
const minute = 60_000
const hour = 60 * minute
const spanMs = 36 * hour

/** Days on which clocks change, and one on which they do not. */
const windows = (
  [
    ['UTC', '2026-02-28T00:00Z'],
    ['Europe/Berlin', '2026-03-28T18:00Z'],
    ['Europe/Berlin', '2026-10-24T18:00Z'],
    ['America/New_York', '2026-03-07T20:00Z'],
    ['America/New_York', '2026-10-31T20:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T02:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T02:00Z'],
    ['Africa/Cairo', '2026-04-23T12:00Z'],
    ['Asia/Kathmandu', '2026-12-31T06:00Z'],
    ['Pacific/Apia', '2011-12-29T12:00Z'],
  ] as const
).map(([zone, from]) => {
  const fromMs = Date.parse(from)
  return { zone, fromMs, shown: wallClock(zone, fromMs - 48 * hour, fromMs + spanMs + 12 * hour) }
})

interface Random {
  below(n: number): number
  of<T>(values: readonly T[]): T
}

function randomOf(seed: number): Random {
  let state = seed
  const below = (n: number) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
  return { below, of: (values) => values[below(values.length)]! }
}

function randomCron(random: Random): string {
  const some = (low: number, high: number) => {
    const a = low + random.below(high - low + 1)
    const b = low + random.below(high - low + 1)
    return random.of([`${a}`, `${a},${b}`, `${Math.min(a, b)}-${Math.max(a, b)}`])
  }
  const minutes = random.of(['0', '30', `*/${random.of([7, 10, 15, 20, 30])}`, some(0, 59), `${random.below(60)}`])
  const hours = random.of(['*', `*/${random.of([2, 3, 5])}`, '1-4', '0', '2', '0,2,3', some(0, 23)])
  const [days, weekdays] = random.of([
    ['*', '*'],
    ['*', '*'],
    ['*', some(0, 6)],
    [some(1, 31), '*'],
    [some(1, 31), some(0, 6)],
  ])
  return `${minutes} ${hours} ${days} ${random.of(['*', '*', '1-12', some(1, 12)])} ${weekdays}`
}

/** One attempt, as it was seen from outside. */
interface Attempt {
  readonly run: number
  readonly startMs: number
  endMs: number
  how: Ending['type'] | 'cut off'
}

/** A `serve` that was up from `from` until `to`. */
interface Up {
  readonly from: number
  readonly to: number
}

interface Played {
  readonly runs: readonly Run[]
  readonly attempts: readonly Attempt[]
  readonly ups: readonly Up[]
}

/** How often the run that was due then fails, and how long an attempt takes. */
const failsOf = (dueMs: number): number => [0, 0, 0, 1, 2, 5][(dueMs / minute) % 6]!
const tookOf = (dueMs: number): number => [20, 20, 90, 400, 3000][(dueMs / minute) % 5]! * 1000 + 137

async function play(schedule: PlanSchedule, fromMs: number, random: Random, folder: string): Promise<Played> {
  const clock = virtualClock(fromMs)
  const attempts: Attempt[] = []
  const ups: Up[] = []
  const failed = new Map<number, number>()
  let isLast = false
  while (!isLast) {
    isLast = clock.now() > fromMs + spanMs - 6 * hour || ups.length === 6
    const from = clock.now()
    let isAlive = true
    const own: Clock = {
      ...clock,
      after: (ms, fire) => clock.after(ms, () => void (isAlive && fire())),
    }
    const ledger = openLedger(folder, 1_000_000)
    const scheduler = createScheduler({
      clock: own,
      ledger,
      decided: () => {},
      async launch(run, signal) {
        const attempt: Attempt = { run: run.id, startMs: clock.now(), endMs: Infinity, how: 'cut off' }
        attempts.push(attempt)
        await clock.sleep(tookOf(run.dueMs), signal)
        if (!isAlive) return new Promise(() => {})
        attempt.endMs = clock.now()
        const before = failed.get(run.id) ?? 0
        if (signal.aborted) attempt.how = 'stopped'
        else if (before < failsOf(run.dueMs)) {
          failed.set(run.id, before + 1)
          attempt.how = 'failed'
          return { type: 'failed', why: { code: 'made', message: 'to fail' } }
        } else attempt.how = 'succeeded'
        return { type: attempt.how as 'stopped' | 'succeeded' }
      },
    })
    scheduler.set([{ name: 'job', staysUp: false, schedule, readsAfter: [] }])
    const to = isLast ? fromMs + spanMs : clock.now() + random.of([13, 59, 3600, 20_000, 40_000]) * 1000 + 71
    await clock.moveTo(Math.min(to, fromMs + spanMs))
    if (isLast) {
      // Long enough for what was begun or waits; nothing new is looked at.
      ups.push({ from, to: clock.now() })
      await scheduler.stop()
    } else {
      if (random.below(2) === 0) await scheduler.stop()
      isAlive = false
      for (const attempt of attempts) attempt.endMs = Math.min(attempt.endMs, clock.now())
      ups.push({ from, to: clock.now() })
      await clock.moveTo(clock.now() + random.of([1, 30, 59, 61, 600, 7200, 30_000]) * 1000 + 53)
    }
    if (isLast) {
      const runs = ledger.list({ limit: 100_000 }).toReversed()
      ledger.close()
      return { runs, attempts, ups }
    }
    ledger.close()
  }
  throw new Error('unreachable')
}

/** Which runs had to be: when each was due, and when it was noticed. */
function expected(due: readonly number[], { catchUp }: PlanSchedule, ups: readonly Up[]) {
  const wanted: { dueMs: number; noticedMs: number; isLate: boolean }[] = []
  let looked = ups[0]!.from
  for (const up of ups) {
    const late = due.filter((at) => at > looked && at < up.from - minute)
    for (const dueMs of catchUp === 'all' ? late : catchUp === 'latest' ? late.slice(-1) : [])
      wanted.push({ dueMs, noticedMs: up.from, isLate: true })
    for (const dueMs of due.filter((at) => at > looked && at >= up.from - minute && at <= up.to))
      wanted.push({ dueMs, noticedMs: Math.max(dueMs, up.from), isLate: false })
    looked = up.to
  }
  return wanted
}

function verify(schedule: PlanSchedule, due: readonly number[], { runs, attempts, ups }: Played): void {
  const wanted = expected(due, schedule, ups)
  expect(runs.map(({ dueMs }) => dueMs)).toEqual(wanted.map(({ dueMs }) => dueMs))
  const endOf = (run: Run) => run.endedMs ?? Infinity
  for (const [i, run] of runs.entries()) {
    const { noticedMs, isLate } = wanted[i]!
    const isBusy = runs.slice(0, i).some((other) => other.state !== 'skipped' && endOf(other) > noticedMs)
    const isSkipped = schedule.overlap === 'skip' && !isLate && isBusy
    expect([run.dueMs, run.state === 'skipped']).toEqual([run.dueMs, isSkipped])
    const own = attempts.filter((attempt) => attempt.run === run.id)
    if (isSkipped) expect(own).toEqual([])
    const failures = own.filter(({ how }) => how === 'failed')
    const successes = own.filter(({ how }) => how === 'succeeded')
    const fails = failsOf(run.dueMs)
    if (run.state === 'succeeded') expect([successes.length, failures.length]).toEqual([1, fails])
    else expect(successes).toEqual([])
    if (run.state === 'failed')
      expect([failures.length, fails > schedule.retries]).toEqual([schedule.retries + 1, true])
    expect(failures.length).toBeLessThanOrEqual(schedule.retries + 1)
    for (const [k, failure] of failures.entries()) {
      const next = own[own.indexOf(failure) + 1]
      const readyMs = failure.endMs + Math.min(schedule.backoffMs * 2 ** k, Math.max(schedule.backoffMs, hour))
      const isUp = (ms: number) => ups.find(({ to }) => to > ms)
      if (next) expect(next.startMs).toBe(Math.max(readyMs, isUp(readyMs)!.from))
    }
  }
  // One at a time, in the order in which they were due, and none is left lying while nothing runs.
  for (const [k, attempt] of attempts.slice(1).entries()) {
    expect(attempt.startMs).toBeGreaterThanOrEqual(attempts[k]!.endMs)
    expect(attempt.run).toBeGreaterThanOrEqual(attempts[k]!.run)
  }
  const open = runs.filter(({ state }) => !['succeeded', 'failed', 'skipped'].includes(state))
  const [first, ...rest] = open
  if (first) expect(['interrupted', 'retrying', 'waiting']).toContain(first.state)
  for (const { state } of rest) expect(state).toBe('waiting')
  if (first?.state === 'waiting') throw new Error(`${first.dueMs} waits though nothing runs`)
}

describe('schedules', () => {
  it(`of ${cases} random cases make every run that should have been, once`, {
    timeout: 60_000 + cases * 1000,
  }, async () => {
    const base = mkdtempSync(join(process.platform === 'linux' ? '/dev/shm' : tmpdir(), 'millrace-schedules-'))
    const seen = { runs: 0, skipped: 0, failed: 0, caughtUp: 0, attempts: 0 }
    try {
      for (let seed = 1; seed <= cases; seed++) {
        const random = randomOf(seed)
        const { zone, fromMs, shown } = random.of(windows)
        const text = randomCron(random)
        const schedule: PlanSchedule = {
          start: { cron: text, timezone: zone },
          retries: random.below(3),
          backoffMs: random.of([1, 60, 300, 2000]) * 1000,
          overlap: random.of(['skip', 'wait']),
          catchUp: random.of(['none', 'latest', 'all']),
        }
        const due = instantsOf(text, shown).filter((at) => at > fromMs)
        const folder = join(base, String(seed))
        try {
          const played = await play(schedule, fromMs, random, folder)
          verify(schedule, due, played)
          seen.runs += played.runs.length
          seen.skipped += played.runs.filter(({ state }) => state === 'skipped').length
          seen.failed += played.runs.filter(({ state }) => state === 'failed').length
          seen.caughtUp += played.runs.filter(
            ({ dueMs, startedMs }) => startedMs !== null && startedMs - dueMs > hour,
          ).length
          seen.attempts += played.attempts.length
        } catch (error) {
          throw new Error(`case ${seed}: ${JSON.stringify(schedule)}`, { cause: error })
        }
        rmSync(folder, { recursive: true })
      }
    } finally {
      rmSync(base, { recursive: true, force: true })
    }
    console.log(`${cases} schedules: ${JSON.stringify(seen)}`)
    for (const n of Object.values(seen)) expect(n).toBeGreaterThan(0)
  })

  it('find the same instants one by one', () => {
    for (let seed = 1; seed <= cases; seed++) {
      const random = randomOf(-seed)
      const { zone, fromMs, shown } = random.of(windows)
      const text = randomCron(random)
      const times = cron(text, zone)
      const found: number[] = []
      const to = fromMs + spanMs
      for (let at = times.next(fromMs - 24 * hour); at !== undefined && at <= to; at = times.next(at)) found.push(at)
      const wanted = instantsOf(text, shown).filter((at) => at > fromMs - 24 * hour && at <= to)
      expect([text, zone, ...found]).toEqual([text, zone, ...wanted])
    }
  })
})
