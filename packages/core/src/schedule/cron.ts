/**
 * The instants of a cron expression in a time zone.
 *
 * Croner matches the five fields, on a clock without a zone; what happens when clocks change is decided here, since
 * libraries differ in it. A time of day (`30 2 * * *`) comes once a day: where clocks skip it, at the moment they are
 * set forward; where they show it twice, the first time. A schedule whose hour starts with `*` (every hour, every
 * second one) follows what the clock shows: skipped times do not come, repeated ones come again.
 *
 * Decision: docs/decisions/20261202-when-a-schedule-is-due.md
 */
import { Cron as Pattern } from 'croner'
import { zone, type Zone } from '../date/index.ts'

/** A cron expression in a zone. */
export interface Cron {
  /** The first instant after this one, ms UTC; undefined: never again. */
  next(afterMs: number): number | undefined
}

const minute = 60_000
const day = 24 * 60 * minute

/** The problem with a cron expression; undefined: none. */
export function checkCron(text: string): string | undefined {
  let pattern: Pattern
  try {
    pattern = patternOf(text)
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '')
  }
  return pattern.nextRun(new Date(0)) === null ? 'no day ever has this date' : undefined
}

/** Compiles a cron expression of five fields, or a word such as `@daily`, in a zone. Throws for what is not right. */
export function cron(text: string, zoneName: string): Cron {
  const pattern = patternOf(text)
  const clock = zone(zoneName)
  const matchAfter = (wallMs: number): number | undefined => pattern.nextRun(new Date(wallMs))?.getTime()
  const followsClock = text.trim() === '@hourly' || text.trim().split(/\s+/)[1]?.startsWith('*') === true
  return {
    next: followsClock
      ? (after) => nextShown(after, clock, matchAfter)
      : (after) => nextTimeOfDay(after, clock, matchAfter),
  }
}

type Match = (wallMs: number) => number | undefined

const patternOf = (text: string): Pattern => new Pattern(text, { mode: '5-part', timezone: 'UTC', paused: true })

/** Instants are in the order of the times on the clock: the first one after `after` is found by going on from it. */
function nextTimeOfDay(after: number, clock: Zone, matchAfter: Match): number | undefined {
  let wall = matchAfter(after + clock.offsetAt(after))
  while (wall !== undefined) {
    const at = instantOf(wall, clock)
    if (at > after) return at
    wall = matchAfter(wall)
  }
  return undefined
}

/** The first instant of a time; of one that is skipped, the end of the gap. */
function instantOf(wall: number, clock: Zone): number {
  let at = clock.toUtc(wall, 'earlier')
  for (let next = wall; Number.isNaN(at); ) at = clock.toUtc((next += minute), 'earlier')
  return at
}

/** Goes from one change of the offset to the next: between two of them, instants are in the order of the clock. */
function nextShown(after: number, clock: Zone, matchAfter: Match): number | undefined {
  let from = after
  let offset = clock.offsetAt(after)
  for (;;) {
    const wall = matchAfter(from + offset)
    if (wall === undefined) return undefined
    const change = changeWithin(from, wall - offset, offset, clock)
    if (change === undefined) return wall - offset
    from = change - 1
    offset = clock.offsetAt(change)
  }
}

/** The first instant after `from`, up to `to`, at which the offset is another one. No zone changes twice in a day. */
function changeWithin(from: number, to: number, offset: number, clock: Zone): number | undefined {
  let low = from
  for (let high = Math.min(low + day, to); ; high = Math.min(low + day, to)) {
    if (clock.offsetAt(high) !== offset) {
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2)
        if (clock.offsetAt(middle) === offset || middle <= from) low = middle
        else high = middle
      }
      return high
    }
    if (high === to) return undefined
    low = high
  }
}
