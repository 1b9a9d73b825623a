/**
 * What windows hold and which records are late, computed from all records at once: a record is late by its own lane
 * alone, and the watermark decides only which windows have been emitted.
 */
import type { Window, WindowStep } from '../case.ts'
import { type Arrival, textOf } from './records.ts'
import type { Moment } from './lanes.ts'
import { total } from './totals.ts'

/** From `start` to before `end`, ms. */
interface Span {
  readonly start: number
  readonly end: number
}

interface Timed {
  readonly arrival: Arrival
  readonly moment: Moment
}

export interface Windowed {
  readonly results: readonly Arrival[]
  readonly late: readonly Arrival[]
}

/** `watermark`: how far the time of the step has come. */
export function windowed(step: WindowStep, input: readonly Arrival[], watermark: number): Windowed {
  const { window } = step
  const late: Arrival[] = []
  const groups = new Map<string, Timed[]>()
  const held: { readonly group: string; readonly span: Span; readonly of: Timed[] }[] = []
  for (const arrival of input) {
    const timed = { arrival, moment: arrival.place!.moment! }
    const group = textOf(step.by.map((name) => arrival.row[name]))
    if (isLate(window, timed.moment)) {
      late.push({ ...arrival, way: `${arrival.way}>${step.id}.${window.late}` })
      continue
    }
    const known = groups.get(group)
    if (known) known.push(timed)
    else groups.set(group, [timed])
  }
  for (const [group, of] of groups)
    for (const each of 'session' in window.length ? sessionsOf(of, window.length.session) : spansOf(window, of))
      held.push({ group, ...each })
  const results = held
    .filter(({ span }) => isEmitted(step, span, watermark))
    .map(({ group, span, of }) => resultOf(step, group, span, of))
  return { results, late }
}

/** Late for every window. */
function isLate(window: Window, moment: Moment): boolean {
  const { length, lateness } = window
  if ('session' in length) return moment.time + length.session - 1 + lateness <= moment.passed - 1
  return takenBy(window, moment).length === 0
}

/** The windows that take a record. */
const takenBy = ({ length, lateness }: Window, { time, passed }: Moment): Span[] =>
  spansAt(length, time).filter(({ end }) => end + lateness > passed)

/** The windows that hold a time. */
function spansAt(length: Window['length'], time: number): Span[] {
  if ('session' in length) return []
  const [size, every] = 'sliding' in length ? [length.sliding, length.slide] : [length.tumbling, length.tumbling]
  const spans: Span[] = []
  for (let start = time; start > time - size; start--)
    if ((start - length.offset) % every === 0) spans.push({ start, end: start + size })
  return spans
}

function spansOf(window: Window, records: readonly Timed[]): { span: Span; of: Timed[] }[] {
  const byStart = new Map<number, { span: Span; of: Timed[] }>()
  for (const each of records)
    for (const span of takenBy(window, each.moment)) {
      const known = byStart.get(span.start)
      if (known) known.of.push(each)
      else byStart.set(span.start, { span, of: [each] })
    }
  return [...byStart.values()]
}

/** Records with at most the gap between them are one session, which ends a gap after the last of them. */
function sessionsOf(records: readonly Timed[], gap: number): { span: Span; of: Timed[] }[] {
  const sorted = records.toSorted((a, b) => a.moment.time - b.moment.time)
  const sessions: Timed[][] = []
  for (const each of sorted) {
    const last = sessions.at(-1)?.at(-1)
    if (last && each.moment.time - last.moment.time <= gap) sessions.at(-1)!.push(each)
    else sessions.push([each])
  }
  return sessions.map((of) => ({ span: { start: of[0]!.moment.time, end: of.at(-1)!.moment.time + gap }, of }))
}

function isEmitted({ window: { length, lateness }, emit }: WindowStep, { end }: Span, watermark: number): boolean {
  if ('session' in length) return watermark >= end - 1 + length.session + lateness
  if (emit === 'on_change') return true
  return watermark >= end - 1 + (emit === 'on_close' ? lateness : 0)
}

/** By event time, then split, then position. */
function inOrder(a: Timed, b: Timed): number {
  const [one, two] = [a.arrival.place!, b.arrival.place!]
  if (a.moment.time !== b.moment.time) return a.moment.time - b.moment.time
  const [splitOfOne, splitOfTwo] = [`${one.source}/${one.split}`, `${two.source}/${two.split}`]
  return splitOfOne === splitOfTwo ? one.index - two.index : splitOfOne < splitOfTwo ? -1 : 1
}

function resultOf(step: WindowStep, group: string, { start, end }: Span, of: readonly Timed[]): Arrival {
  const rows = of.toSorted(inOrder).map(({ arrival }) => arrival.row)
  const iso = (time: number) => new Date(time).toISOString()
  return {
    row: {
      ...Object.fromEntries(step.by.map((name) => [name, rows[0]![name] ?? null])),
      window_start: iso(start),
      window_end: iso(end),
      ...Object.fromEntries(Object.entries(step.outputs).map(([name, each]) => [name, total(each, rows)])),
    },
    result: `${step.id} ${group} ${start}`,
    way: step.id,
    items: [],
  }
}
