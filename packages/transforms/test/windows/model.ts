/**
 * What windows must hold, computed from all records at once. It shares no code with the engine: zones by Intl, windows
 * by trying every one that could hold a record.
 */
import type { Event, WindowCase } from './cases.ts'

export interface Expected {
  /** By group and window start. */
  readonly results: ReadonlyMap<string, Result>
  /** Ids of late records, sorted. */
  readonly late: readonly string[]
}

export interface Result {
  readonly g: string
  readonly window_start: number
  readonly window_end: number
  readonly n: number
  readonly sum: number
  readonly first: number
  readonly last: number
}

type Span = readonly [start: number, end: number]

const mod = (value: number, by: number): number => ((value % by) + by) % by

/** All windows that hold a time, by start. */
function spansOf({ window }: WindowCase, time: number): Span[] {
  const { tumbling, sliding, slide, zone = 'UTC', offset = 0 } = window
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
  // A day, a week or a month: minute by minute to where the date on the zone's clock begins, and ends.
  const isSame = (a: string, b: string) =>
    tumbling === 'month' ? a.slice(0, 7) === b.slice(0, 7) : tumbling === 'week' ? mondayOf(a) === mondayOf(b) : a === b
  const own = dateIn(zone, time)
  const minute = 60_000
  let start = Math.floor(time / minute) * minute
  for (
    let step = 12 * 60 * minute;
    step >= minute;
    step = step > minute ? Math.max(minute, Math.floor(step / 2 / minute) * minute) : 0
  )
    while (isSame(dateIn(zone, start - step), own)) start -= step
  let end = Math.floor(time / minute) * minute + minute
  for (
    let step = 12 * 60 * minute;
    step >= minute;
    step = step > minute ? Math.max(minute, Math.floor(step / 2 / minute) * minute) : 0
  )
    while (isSame(dateIn(zone, end - 1 + step), own)) end += step
  return [[start, end]]
}

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
  return day - ((day + 3) % 7)
}

export function model(each: WindowCase): Expected {
  const { lanes, window, maxOutOfOrder } = each
  const allowed = window.allowed_lateness ?? 0
  const held: (readonly [event: Event, span: Span | undefined, lane: string, index: number])[] = []
  const late: string[] = []
  for (const [lane, events] of Object.entries(lanes)) {
    let high = Number.NEGATIVE_INFINITY
    for (const [index, event] of events.entries()) {
      const passed = high - maxOutOfOrder
      if (window.session !== undefined) {
        if (event.time + window.session - 1 + allowed <= passed - 1) late.push(event.id)
        else held.push([event, undefined, lane, index])
      } else {
        const open = spansOf(each, event.time).filter(([, end]) => end + allowed > passed)
        if (open.length === 0) late.push(event.id)
        for (const span of open) held.push([event, span, lane, index])
      }
      high = Math.max(high, event.time)
    }
  }
  const groups = new Map<string, { span: Span; events: (readonly [Event, string, number])[] }>()
  if (window.session === undefined)
    for (const [event, span, lane, index] of held) {
      const key = `${event.g} ${span![0]}`
      if (!groups.has(key)) groups.set(key, { span: span!, events: [] })
      groups.get(key)!.events.push([event, lane, index])
    }
  else {
    const gap = window.session
    for (const g of new Set(held.map(([event]) => event.g))) {
      const own = held.filter(([event]) => event.g === g).toSorted(([a], [b]) => a.time - b.time)
      let from = 0
      for (let i = 1; i <= own.length; i++) {
        if (i < own.length && own[i]![0].time - own[i - 1]![0].time <= gap) continue
        const start = own[from]![0].time
        const events = own.slice(from, i).map(([event, , lane, index]) => [event, lane, index] as const)
        groups.set(`${g} ${start}`, { span: [start, own[i - 1]![0].time + gap], events })
        from = i
      }
    }
  }
  const results = new Map(
    [...groups].map(([key, { span, events }]): [string, Result] => {
      const inOrder = events.toSorted(
        ([a, laneA, i], [b, laneB, j]) => a.time - b.time || (laneA < laneB ? -1 : laneA > laneB ? 1 : i - j),
      )
      return [
        key,
        {
          g: events[0]![0].g,
          window_start: span[0],
          window_end: span[1],
          n: events.length,
          sum: events.reduce((sum, [{ v }]) => sum + v, 0),
          first: inOrder[0]![0].v,
          last: inOrder.at(-1)![0].v,
        },
      ]
    }),
  )
  return { results, late: late.sort() }
}
