/**
 * Which runs a schedule asks for between two looks at the clock.
 *
 * What is noticed within a minute is on time: if the run before has not ended, it is left out or waits. What is noticed
 * later was due while nobody served the project, or while the machine slept, and `catch_up` says what is made up for. A
 * restart of `serve` at the minute of a run therefore costs no run.
 */
import type { Cron, PlanSchedule } from '@millrace/core'

/** What is noticed later than this is made up for, or not. */
export const onTimeMs = 60_000

/** How many are written down at once; the rest is found at the next look. */
const most = 1000

/** What was found. */
export interface Due {
  /** When they were due, in order; `skipped`: the run before has not ended. */
  readonly runs: readonly { readonly dueMs: number; readonly skipped: boolean }[]
  /** The first and the last of those that are not made up for, or of which only the last is. */
  readonly missed?: readonly [firstMs: number, lastMs: number]
  /** Until when the schedule has been looked at. */
  readonly untilMs: number
}

/** Looks at the time from `fromMs` (exclusive) to `nowMs`. `isBusy`: a run of the pipeline is not over. */
export function findDue(
  cron: Cron,
  { overlap, catchUp }: Pick<PlanSchedule, 'overlap' | 'catchUp'>,
  fromMs: number,
  nowMs: number,
  isBusy: boolean,
): Due {
  const runs: { dueMs: number; skipped: boolean }[] = []
  const onTimeFromMs = Math.max(fromMs + 1, nowMs - onTimeMs)
  let missed: Due['missed']
  let at = cron.next(fromMs)
  if (catchUp === 'all') {
    for (; at !== undefined && at < onTimeFromMs; at = cron.next(at)) {
      if (runs.length === most) return { runs, untilMs: at - 1 }
      runs.push({ dueMs: at, skipped: false })
    }
  } else if (at !== undefined && at < onTimeFromMs) {
    const last = lastWithin(cron, fromMs, onTimeFromMs)
    missed = [at, last]
    if (catchUp === 'latest') runs.push({ dueMs: last, skipped: false })
    at = cron.next(last)
  }
  for (; at !== undefined && at <= nowMs; at = cron.next(at))
    runs.push({ dueMs: at, skipped: overlap === 'skip' && (isBusy || runs.length > 0) })
  return { runs, ...(missed ? { missed } : {}), untilMs: nowMs }
}

/** The last time after `fromMs` and before `toMs`; there is one. Looks back in steps that double. */
function lastWithin(cron: Cron, fromMs: number, toMs: number): number {
  for (let spanMs = onTimeMs; ; spanMs *= 2) {
    let last: number | undefined
    const start = Math.max(fromMs, toMs - spanMs)
    for (let at = cron.next(start); at !== undefined && at < toMs; at = cron.next(at)) last = at
    if (last !== undefined) return last
  }
}
