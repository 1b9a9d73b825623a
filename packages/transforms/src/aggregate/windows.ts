/** Which window an event time is in. */
import { zone as zoneNamed } from '@millrace/core'
import type { WindowOptions } from './options.ts'

/** From `start` to before `end`, ms UTC. */
export interface Span {
  readonly start: number
  readonly end: number
}

const dayMs = 86_400_000

/** The tumbling window of a time. */
export function tumblingOf({ tumbling, zone, offset }: WindowOptions): (time: number) => Span {
  if (typeof tumbling === 'number')
    return (time) => {
      const start = floorTo(time, tumbling, offset)
      return { start, end: start + tumbling }
    }
  const clock = zoneNamed(zone)
  /** Days since 1970 on the zone's clock, to the first day of the window and of the next one. */
  const days = (day: number): readonly [number, number] => {
    if (tumbling === 'day') return [day, day + 1]
    // 1970-01-01 was a Thursday.
    if (tumbling === 'week') {
      const monday = floorTo(day, 7, 4)
      return [monday, monday + 7]
    }
    const date = new Date(day * dayMs)
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    return [firstOf(year, month), firstOf(year, month + 1)]
  }
  const spanOf = (day: number): Span => {
    const [first, next] = days(day)
    return { start: clock.startOfDay(first * dayMs), end: clock.startOfDay(next * dayMs) }
  }
  return (time) => {
    const day = Math.floor((time + clock.offsetAt(time)) / dayMs)
    const span = spanOf(day)
    // Where clocks are set back over midnight, an hour of the day before comes after the new day has begun.
    return time < span.start ? spanOf(day - 1) : time >= span.end ? spanOf(day + 1) : span
  }
}

/** The day number of the first day of a month; `Date.UTC` takes years below 100 for 19xx. */
function firstOf(year: number, month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 1)
  return date.getTime() / dayMs
}

/** The greatest multiple of `step`, moved by `offset`, that is not above the value. */
export const floorTo = (value: number, step: number, offset: number): number =>
  Math.floor((value - offset) / step) * step + offset
