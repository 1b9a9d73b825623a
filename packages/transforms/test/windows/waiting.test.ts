/** What windows say waits in them is what a model counts from all records, while time advances and after restarts. */
import type { Transform, Waiting, WaitingWindow } from '@millrace/core'
import { type Entries, saveChanges, savedMemory } from '@millrace/testkit'
import { expect, it } from 'vitest'
import { aggregate } from '../../src/aggregate/index.ts'
import { applyTo, recordType, recordsOf, stepContext } from '../step.ts'
import { random } from './cases.ts'

interface Case {
  readonly window: {
    readonly tumbling?: number
    readonly sliding?: number
    readonly slide?: number
    readonly session?: number
    readonly allowed_lateness: number
  }
  readonly emit?: 'on_close' | 'on_change'
}
interface Event {
  readonly g: string
  readonly time: number
}

const nowhere = { fail() {}, side() {}, result() {}, failResult() {} }
const input = recordType({ g: 'string', time: 'integer' })

function create({ window, emit }: Case): Transform {
  const options = {
    by: ['g'],
    outputs: { n: 'count()' },
    max_groups: 1000,
    emit,
    window: { zone: 'UTC', offset: 0, shape: 'fields', late: 'drop', ...window },
  }
  return aggregate.create(options as never, stepContext(input, { times: { in: { maxOutOfOrderMs: 1000 } } }))
}

/** Every window of these events, whether it has fired or not. */
function windowsOf({ window, emit }: Case, events: readonly Event[]): WaitingWindow[] {
  const { tumbling, sliding, slide, session, allowed_lateness: allowed } = window
  const found = new Map<string, WaitingWindow>()
  const add = (start: number, end: number, of = '') => {
    const records = (found.get(`${of} ${start}`)?.records ?? 0) + 1
    found.set(`${of} ${start}`, { start, end, records, firesAt: end - 1 + (emit === 'on_close' ? allowed : 0) })
  }
  for (const { time } of events) {
    if (tumbling !== undefined) add(time - (time % tumbling), time - (time % tumbling) + tumbling)
    if (sliding !== undefined) for (let s = time - (time % slide!); s > time - sliding; s -= slide!) add(s, s + sliding)
  }
  if (session === undefined) return [...found.values()]
  const sessions: { g: string; start: number; last: number; records: number }[] = []
  for (const { g, time } of events.toSorted((a, b) => a.time - b.time)) {
    const own = sessions.findLast((each) => each.g === g)
    if (own && time <= own.last + session) Object.assign(own, { last: time, records: own.records + 1 })
    else sessions.push({ g, start: time, last: time, records: 1 })
  }
  return sessions.map(({ start, last, records }) => {
    const end = last + session
    return { start, end, records, firesAt: end - 1 + session + allowed }
  })
}

function model(each: Case, events: readonly Event[], watermark: number): Waiting {
  const open = windowsOf(each, events).filter(({ firesAt }) => firesAt > watermark)
  // An event waits until the last of its windows has fired.
  const waits = (event: Event) => windowsOf(each, [event]).some(({ firesAt }) => firesAt > watermark)
  const records =
    each.window.session === undefined
      ? events.filter(waits).length
      : open.reduce((sum, window) => sum + window.records, 0)
  return { windows: open.length, records, next: open.toSorted(byTime).slice(0, 3) }
}

const byTime = (a: WaitingWindow, b: WaitingWindow): number =>
  a.firesAt - b.firesAt || a.start - b.start || a.records - b.records

const cases: readonly Case[] = [
  { window: { tumbling: 10, allowed_lateness: 0 } },
  { window: { tumbling: 10, allowed_lateness: 7 } },
  { window: { tumbling: 10, allowed_lateness: 7 }, emit: 'on_close' },
  { window: { tumbling: 10, allowed_lateness: 7 }, emit: 'on_change' },
  { window: { sliding: 20, slide: 5, allowed_lateness: 0 } },
  { window: { sliding: 15, slide: 10, allowed_lateness: 6 } },
  { window: { sliding: 12, slide: 4, allowed_lateness: 6 }, emit: 'on_close' },
  { window: { session: 6, allowed_lateness: 0 } },
  { window: { session: 3, allowed_lateness: 4 } },
]

it.each(cases)('$window $emit: windows, records, and which fires first', (each) => {
  for (let seed = 1; seed <= 20; seed++) {
    const next = random(seed)
    const memory: Entries = new Map()
    let step = create(each)
    let watermark = 0
    const events: Event[] = []
    for (let round = 0; round < 30; round++) {
      // Nothing is late: which records are is tested elsewhere.
      const more = Array.from({ length: Math.floor(next() * 5) }, () => ({
        g: next() < 0.5 ? 'a' : 'b',
        time: watermark + 1 + Math.floor(next() * 30),
      }))
      events.push(...more)
      applyTo(step, recordsOf(more as never, { times: more.map(({ time }) => time) }))
      watermark += Math.floor(next() * 8)
      while (!step.advance!({ watermark, clock: 0, end: false }, nowhere));
      if (next() < 0.3) {
        step.epochEnds?.(nowhere)
        saveChanges(step, memory)
        step = create(each)
        step.restore!(savedMemory(memory))
        while (!step.advance!({ watermark, clock: 0, end: false }, nowhere));
      }
      const found = step.waiting!()
      const expected = model(each, events, watermark)
      expect(found.windows).toBe(expected.windows)
      expect(found.records).toBe(expected.records)
      // Sessions that fire at the same time come in any order.
      expect(found.next.map(({ firesAt }) => firesAt)).toEqual(expected.next.map(({ firesAt }) => firesAt))
      const all = windowsOf(each, events)
      for (const window of found.next) expect(all).toContainEqual(window)
    }
  }
})
