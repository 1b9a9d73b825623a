/**
 * What windows must hold, computed from all records at once by what the lanes said. It shares no code with the engine.
 */
import { type Event, isAhead, type WindowCase } from './cases.ts'
import { lanesModel, type Said } from './lanes.ts'
import { type Span, spansOf } from './spans.ts'

export interface Expected {
  /** By group and window start. */
  readonly results: ReadonlyMap<string, Result>
  /** Ids of late records, sorted. */
  readonly late: readonly string[]
  /** Ids of those from the future, sorted. */
  readonly ahead: readonly string[]
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

/** A record in a window; of sessions the windows are not known yet. */
interface Taken {
  readonly event: Event
  readonly span: Span | undefined
  readonly lane: string
  readonly index: number
  /** How many records had been read with it. */
  readonly read: number
}

/** How often a record, or the watermark, came to a border: a millisecond before it, at it, a millisecond beyond. */
export type Border = Record<-1 | 0 | 1, number>

export interface Played extends Expected {
  /**
   * By group and window start: how many records had been read when its result came first, and which part of the story
   * that was; only where it is decided by the watermark.
   */
  readonly shownAt: ReadonlyMap<string, { readonly read: number; readonly part: number }>
  readonly borders: { readonly fires: Border; readonly closes: Border; readonly late: Border }
  readonly merges: number
  /** Records of lanes that came back from idleness, and how many of them found all their windows closed. */
  readonly back: number
  readonly shutOut: number
  /** After which parts of the story something was decided: records were taken, a lane ended or became idle. */
  readonly decided: readonly number[]
}

/** Plays what the lanes said. */
export function played(each: WindowCase, history: readonly Said[]): Played {
  const { lanes, window, maxOutOfOrder, idleAfter } = each
  const allowed = window.allowed_lateness ?? 0
  const gap = window.session
  const model = lanesModel(Object.keys(lanes), maxOutOfOrder, idleAfter)
  const borders = { fires: border(), closes: border(), late: border() }
  const taken: Taken[] = []
  const late: string[] = []
  const ahead: string[] = []
  const decided: number[] = []
  const watermarks: { read: number; reached: number; part: number }[] = []
  let [read, back, shutOut] = [0, 0, 0]
  const judge = (lane: string, index: number, event: Event, high: number, wasIdle: boolean) => {
    const passed = high - maxOutOfOrder
    const isShut = (end: number) => end - 1 + allowed <= model.reached
    const add = (span: Span | undefined) => taken.push({ event, span, lane, index, read })
    const ends = gap === undefined ? spansOf(window, event.time).map(([, end]) => end) : [event.time + gap]
    const last = ends.at(-1)! + allowed
    mark(borders.late, passed - last)
    const isOpen = (end: number) => end + allowed > passed && !isShut(end)
    if (wasIdle) {
      back++
      if (last > passed) mark(borders.closes, model.reached - (last - 1))
      if (last > passed && isShut(ends.at(-1)!)) shutOut++
    }
    if (!ends.some(isOpen)) late.push(event.id)
    else if (gap !== undefined) add(undefined)
    else for (const span of spansOf(window, event.time)) if (isOpen(span[1])) add(span)
  }
  for (const [k, said] of history.entries()) {
    let isDecided = true
    if (said === 'restart') model.restart()
    else if (said === 'ms') isDecided = model.passMs()
    else if ('ended' in said) model.end(said.ended)
    else if ('caughtUp' in said) {
      model.caughtUp(said.caughtUp)
      isDecided = false
    } else {
      let high = model.high(said.lane)
      const wasIdle = model.isIdle(said.lane)
      const events = lanes[said.lane]!.slice(said.from, said.to)
      read += events.length
      const times: number[] = []
      for (const [i, event] of events.entries()) {
        if (isAhead(each, event)) ahead.push(event.id)
        else {
          judge(said.lane, said.from + i, event, high, wasIdle)
          high = Math.max(high, event.time)
          times.push(event.time)
        }
      }
      model.take(said.lane, times)
    }
    if (!isDecided) continue
    decided.push(k)
    watermarks.push({ read, reached: model.reached, part: k })
  }
  const { results, since, merges } = resultsOf(each, taken)
  const shownAt = new Map<string, { read: number; part: number }>()
  for (const [key, { window_end: end }] of results) {
    const [at, which] =
      gap !== undefined
        ? [end - 1 + gap + allowed, borders.closes]
        : each.emit === 'on_close'
          ? [end - 1 + allowed, borders.closes]
          : [end - 1, borders.fires]
    if (each.emit === 'on_change') continue
    const first = watermarks.findIndex(({ reached }) => reached >= at)
    const when = watermarks[first]?.read ?? Number.POSITIVE_INFINITY
    // A record that comes to a window that has fired is shown at the end of its epoch.
    if (when < since.get(key)!) continue
    shownAt.set(key, { read: when, part: watermarks[first]?.part ?? decided.at(-1) ?? -1 })
    const since0 = since.get(key)!
    if (watermarks.some((each) => each.read >= since0 && each.reached === at - 1)) mark(which, -1)
    if (first >= 0) mark(which, watermarks[first]!.reached - at)
  }
  return { results, late: late.sort(), ahead: ahead.sort(), shownAt, borders, merges, back, shutOut, decided }
}

const border = (): Border => ({ '-1': 0, 0: 0, 1: 0 })
function mark(at: Border, distance: number): void {
  if (distance === -1 || distance === 0 || distance === 1) at[distance]++
}

/** What windows must hold where no lane is idle: whatever the order in which lanes are read. */
export function model(each: WindowCase): Expected {
  const { lanes, window, maxOutOfOrder } = each
  const allowed = window.allowed_lateness ?? 0
  const taken: Taken[] = []
  const late: string[] = []
  const ahead: string[] = []
  for (const [lane, events] of Object.entries(lanes)) {
    let high = Number.NEGATIVE_INFINITY
    for (const [index, event] of events.entries()) {
      if (isAhead(each, event)) {
        ahead.push(event.id)
        continue
      }
      const passed = high - maxOutOfOrder
      const add = (span: Span | undefined) => taken.push({ event, span, lane, index, read: 0 })
      if (window.session !== undefined) {
        if (event.time + window.session - 1 + allowed <= passed - 1) late.push(event.id)
        else add(undefined)
      } else {
        const open = spansOf(window, event.time).filter(([, end]) => end + allowed > passed)
        if (open.length === 0) late.push(event.id)
        for (const span of open) add(span)
      }
      high = Math.max(high, event.time)
    }
  }
  return { results: resultsOf(each, taken).results, late: late.sort(), ahead: ahead.sort() }
}

/** `since`: how many records had been read with the first of a result. */
function resultsOf({ window }: WindowCase, taken: readonly Taken[]) {
  const groups = new Map<string, { span: Span; records: Taken[] }>()
  let merges = 0
  if (window.session === undefined)
    for (const record of taken) {
      const key = `${record.event.g} ${record.span![0]}`
      if (!groups.has(key)) groups.set(key, { span: record.span!, records: [] })
      groups.get(key)!.records.push(record)
    }
  else {
    const gap = window.session
    for (const g of new Set(taken.map(({ event }) => event.g))) {
      const own = taken.filter(({ event }) => event.g === g)
      for (const records of chains(own, gap)) {
        const [start, last] = [records[0]!.event.time, records.at(-1)!.event.time]
        groups.set(`${g} ${start}`, { span: [start, last + gap], records })
        merges += mergesIn(records, gap)
      }
    }
  }
  const since = new Map<string, number>()
  const results = new Map<string, Result>()
  for (const [key, { span, records }] of groups) {
    const inOrder = records.toSorted(
      (a, b) => a.event.time - b.event.time || (a.lane < b.lane ? -1 : a.lane > b.lane ? 1 : a.index - b.index),
    )
    since.set(key, Math.min(...records.map(({ read }) => read)))
    results.set(key, {
      g: records[0]!.event.g,
      window_start: span[0],
      window_end: span[1],
      n: records.length,
      sum: records.reduce((sum, { event }) => sum + event.v, 0),
      first: inOrder[0]!.event.v,
      last: inOrder.at(-1)!.event.v,
    })
  }
  return { results, since, merges }
}

/** Records at most the gap apart, by time. */
function chains(records: readonly Taken[], gap: number): Taken[][] {
  const found: Taken[][] = []
  for (const record of records.toSorted((a, b) => a.event.time - b.event.time)) {
    const last = found.at(-1)?.at(-1)
    if (last && record.event.time - last.event.time <= gap) found.at(-1)!.push(record)
    else found.push([record])
  }
  return found
}

/** How many of its records, in the order in which they were read, made one session of two. */
function mergesIn(session: readonly Taken[], gap: number): number {
  const inOrder = session.toSorted((a, b) => a.read - b.read || a.index - b.index)
  let merges = 0
  let before = 0
  for (let n = 1; n <= inOrder.length; n++) {
    const now = chains(inOrder.slice(0, n), gap).length
    if (now < before) merges++
    before = now
  }
  return merges
}
