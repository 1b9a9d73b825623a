/** Which windows hold a time, by trying every one that could. It shares no code with the engine: zones are by Intl. */
import type { WindowCase } from './cases.ts'

export type Span = readonly [start: number, end: number]

const mod = (value: number, by: number): number => ((value % by) + by) % by
const minute = 60_000

/** By start. */
export function spansOf(
  { tumbling, sliding, slide, zone = 'UTC', offset = 0 }: WindowCase['window'],
  time: number,
): Span[] {
  if (sliding !== undefined) {
    const spans: Span[] = []
    for (let start = time - sliding + 1; start <= time; start++)
      if (mod(start - offset, slide!) === 0) spans.push([start, start + sliding])
    return spans
  }
  if (typeof tumbling === 'number') {
    let start = time
    while (mod(start - offset, tumbling) !== 0) start--
    return [[start, start + tumbling]]
  }
  // A day, a week or a month: to the minute where the date on the zone's clock begins, and ends.
  const own = dateIn(zone, time)
  const isSame = (ms: number) => {
    const other = dateIn(zone, ms)
    if (tumbling === 'month') return other.slice(0, 7) === own.slice(0, 7)
    return tumbling === 'week' ? mondayOf(other) === mondayOf(own) : other === own
  }
  let start = Math.floor(time / minute) * minute
  for (const step of steps) while (isSame(start - step)) start -= step
  let end = Math.floor(time / minute) * minute + minute
  for (const step of steps) while (isSame(end - 1 + step)) end += step
  return [[start, end]]
}

/** From twelve hours to a minute. */
const steps = [720, 360, 180, 90, 45, 22, 11, 5, 2, 1].map((minutes) => minutes * minute)

const formats = new Map<string, Intl.DateTimeFormat>()
function dateIn(zone: string, ms: number): string {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
    formats.set(zone, format)
  }
  return format.format(ms)
}

function mondayOf(date: string): number {
  const day = Date.parse(`${date}T00:00:00Z`) / 86_400_000
  return day - mod(day + 3, 7)
}
