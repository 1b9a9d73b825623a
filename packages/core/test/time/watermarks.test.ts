/** Why a watermark stands where it is: a case for each reason, on a clock that the test moves. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { Source } from '../../src/connector/index.ts'
import { SystemError } from '../../src/errors/index.ts'
import type { PlanEventTime } from '../../src/plan/index.ts'
import { type Batch, batch, type CaughtUp, type Row, type SplitsFound } from '../../src/record/index.ts'
import { type Progress, type RunEvent, run, type StepWatermark, watermarksOf } from '../../src/run/index.ts'
import { type TestPipeline, testPipeline } from '../../src/testing.ts'
import { testClock } from './clock.ts'
import { tumblingCount } from './steps.ts'

const startMs = Date.UTC(2026, 0, 1)
const second = 1000

type Said = Batch | SplitsFound | CaughtUp | Error

/** Records of a lane, by their seconds. */
const recordsOf = (split: string, ...seconds: number[]): Batch =>
  batch({
    split,
    rows: seconds.map((s) => ({ id: `${split}-${s}`, time: s * second })),
    position: seconds.at(-1)!,
    times: Float64Array.from(seconds, (s) => s * second),
    bytes: 10,
  })

/** A source that yields, or throws, what it is told to, and then waits. */
function steered() {
  const said: Said[] = []
  let wake = () => {}
  const source: Source = {
    async *read({ signal }) {
      signal.addEventListener('abort', () => wake())
      while (!signal.aborted) {
        const next = said.shift()
        if (next instanceof Error) throw next
        if (next) yield next
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
  const say = (...more: Said[]) => {
    said.push(...more)
    wake()
  }
  return {
    source,
    lanes: (...ids: string[]) => say({ splits: ids.map((id) => ({ id })) }),
    records: (split: string, ...seconds: number[]) => say(recordsOf(split, ...seconds)),
    caughtUp: (...ids: string[]) => say({ caughtUp: ids }),
    fails: () => say(new SystemError('down', 'it is down', { retry: true })),
  }
}

interface Running {
  /** Lets everything happen that needs no time, then time pass, then the same again. */
  pass(ms: number): Promise<void>
  /** What holds the only step. */
  now(): StepWatermark
  readonly events: readonly StepWatermark[]
  stop(): Promise<void>
  saved(): ReturnType<typeof watermarksOf>
  readonly home: string
}

/** Runs a pipeline whose step `counts` has windows of ten seconds. */
function start(
  sources: Readonly<Record<string, { readonly source: Source; readonly time?: Partial<PlanEventTime> }>>,
  more: Partial<TestPipeline> & { readonly write?: (records: { readonly rows: readonly Row[] }) => Promise<void> } = {},
): Running {
  const home = mkdtempSync(join(tmpdir(), 'millrace-watermarks-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const clock = testClock(startMs)
  const { write = async () => {}, ...own } = more
  const windows = { size: 10 * second, allowed: 0, maxOutOfOrder: 0 }
  const { plan, registry } = testPipeline({
    runs: 'continue',
    sources: Object.fromEntries(
      Object.entries(sources).map(([id, { source, time }]) => [
        id,
        {
          create: () => source,
          capabilities: { bounded: false },
          eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: 0, ...time },
        },
      ]),
    ),
    steps: {
      counts: {
        from: Object.keys(sources),
        create: () => ({ ...tumblingCount(windows), waiting: () => ({ windows: 1, records: 2, next: [] }) }),
        stateful: true,
        sideOutputs: ['late'],
      },
    },
    sinks: {
      out: { from: ['counts'], create: () => ({ write }) },
      late: { from: ['late'], create: () => ({ write }) },
    },
    ...own,
  })
  const stop = new AbortController()
  const events: StepWatermark[] = []
  let progress: Progress | undefined
  const observe = (event: RunEvent) => {
    if (event.type === 'started') ({ progress } = event)
    if (event.type === 'watermark') events.push(event)
  }
  const workspace = { root: home, home, secrets: () => undefined }
  const bounds = { aheadRows: 2, minMs: 5 }
  const ended = run(plan, registry, { ...workspace, clock, bounds, observe, signal: stop.signal })
  ended.catch(() => {})
  const settle = async () => {
    for (let n = 0; n < 40; n++) await clock.turn()
  }
  return {
    events,
    home,
    async pass(ms) {
      await settle()
      // Not all at once, so that what is due on the way can also happen on the way.
      for (let left = ms; left > 0; left -= 500) {
        clock.advance(Math.min(500, left))
        await settle()
      }
    },
    now: () => progress!.watermarks![0]!,
    async stop() {
      stop.abort()
      let isOver = false
      const over = ended.finally(() => (isOver = true))
      for (let n = 0; n < 60 && !isOver; n++) {
        await settle()
        clock.advance(second)
      }
      await over
    },
    saved: () => watermarksOf({ ...plan, steps: plan.steps.map((s) => ({ ...s, times: {} })) }, registry, workspace),
  }
}

it('no_data: a lane that was announced and had no record holds it', async () => {
  const events = steered()
  const running = start({ events: { ...events } })
  events.lanes('0', '1')
  events.records('0', 31)
  await running.pass(2 * second)
  expect(running.now()).toMatchObject({
    step: 'counts',
    watermarkMs: null,
    hold: { why: 'no_data', source: 'events', lane: '1' },
    waiting: { windows: 1, records: 2 },
  })
  expect(running.now().hold).not.toHaveProperty('idleInMs')
  await running.stop()
})

it('says for how many lanes a reason holds, and that a source has no lane yet', async () => {
  const [many, none] = [steered(), steered()]
  const running = start({ many: { ...many } })
  many.lanes('0', '1', '2')
  await running.pass(second)
  expect(running.now().hold).toMatchObject({ why: 'no_data', lane: '0', others: 2 })
  await running.stop()
  const waiting = start({ none: { ...none } })
  await waiting.pass(second)
  expect(waiting.now().hold).toMatchObject({ why: 'no_data', source: 'none', lane: '' })
  await waiting.stop()
})

it('not_idle_yet, and then all_idle: a quiet lane holds it until idle_after has passed', async () => {
  const events = steered()
  const running = start({ events: { ...events, time: { idleAfterMs: 30 * second } } })
  events.lanes('0', '1')
  events.records('0', 31)
  events.records('1', 12)
  events.caughtUp('1')
  await running.pass(10 * second)
  expect(running.now()).toMatchObject({ watermarkMs: 12 * second - 1, hold: { why: 'not_idle_yet', lane: '1' } })
  const { idleInMs, sinceMs } = running.now().hold
  expect(Math.abs(idleInMs! - 20 * second)).toBeLessThanOrEqual(second)
  expect(sinceMs! - startMs).toBeLessThanOrEqual(2 * second)
  await running.pass(21 * second)
  expect(running.now()).toMatchObject({ watermarkMs: 31 * second - 1, hold: { why: 'reading', lane: '0' } })
  events.caughtUp('0')
  await running.pass(32 * second)
  expect(running.now()).toMatchObject({ watermarkMs: 31 * second - 1, hold: { why: 'all_idle' } })
  expect(running.now().hold).not.toHaveProperty('lane')
  await running.stop()
})

it('never_idle: a quiet lane holds it for ever without idle_after', async () => {
  const events = steered()
  const running = start({ events: { ...events } })
  events.lanes('0', '1')
  events.records('0', 31)
  events.records('1', 12)
  events.caughtUp('0', '1')
  await running.pass(900 * second)
  expect(running.now().hold).toMatchObject({ why: 'never_idle', source: 'events', lane: '1' })
  expect(running.now().hold.sinceMs! - startMs).toBeLessThanOrEqual(2 * second)
  await running.stop()
})

it('reading: the records of a lane are older', async () => {
  const events = steered()
  const running = start({ events: { ...events } })
  events.lanes('0', '1')
  events.records('0', 31)
  events.records('1', 12)
  events.caughtUp('0')
  await running.pass(2 * second)
  expect(running.now().hold).toMatchObject({ why: 'reading', lane: '1' })
  await running.stop()
})

it('held_back: max_skew keeps a lane that is out of order from being read ahead of another one', async () => {
  const [ahead, behind] = [steered(), steered()]
  const running = start({
    ahead: { ...ahead, time: { maxOutOfOrderMs: 60 * second, maxSkewMs: second } },
    behind: { ...behind },
  })
  ahead.lanes('a')
  behind.lanes('b')
  ahead.records('a', 30)
  behind.records('b', 20)
  await running.pass(2 * second)
  expect(running.now().hold).toMatchObject({
    why: 'held_back',
    source: 'ahead',
    lane: 'a',
    behind: { source: 'behind', lane: 'b' },
  })
  behind.caughtUp('b')
  await running.pass(2 * second)
  expect(running.now().hold).toMatchObject({ why: 'reading', source: 'ahead', lane: 'a' })
  await running.stop()
})

it('backpressure: the engine does not ask, because a sink is slow', async () => {
  const events = steered()
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  // All records are late for their windows, so they go on at once.
  const running = start({ events: { ...events, time: { idleAfterMs: 2 * second } } }, { write: () => gate })
  events.lanes('0')
  events.records('0', 100)
  events.records('0', 1, 2, 3, 4)
  events.caughtUp('0')
  // And that makes no lane idle.
  await running.pass(5 * second)
  expect(running.now().hold).toMatchObject({ why: 'backpressure', lane: '0', sinks: ['late'] })
  open()
  await running.pass(second)
  expect(running.now().hold).toMatchObject({ why: 'not_idle_yet', lane: '0' })
  await running.stop()
})

it('retrying: the source does not answer, and since when', async () => {
  const events = steered()
  const running = start({ events: { ...events } })
  events.lanes('0')
  events.records('0', 12)
  events.caughtUp('0')
  await running.pass(20 * second)
  for (let n = 0; n < 50; n++) events.fails()
  await running.pass(10 * second)
  const { why, lane, sinceMs } = running.now().hold
  expect({ why, lane }).toEqual({ why: 'retrying', lane: '0' })
  expect(Math.abs(sinceMs! - startMs - 20 * second)).toBeLessThanOrEqual(second)
  await running.stop()
})

it('follows_clock and until_end: times of arrival, and disorder without a bound', async () => {
  const arriving = steered()
  const running = start({ arriving: { ...arriving, time: { arrival: true } } })
  arriving.lanes('0')
  arriving.caughtUp('0')
  await running.pass(5 * second)
  expect(running.now().hold).toMatchObject({ why: 'follows_clock', lane: '0' })
  await running.stop()
  const disordered = steered()
  const other = start({ disordered: { ...disordered, time: { maxOutOfOrderMs: null } } })
  disordered.lanes('0')
  disordered.records('0', 5)
  await other.pass(5 * second)
  expect(other.now()).toMatchObject({ watermarkMs: null, hold: { why: 'until_end', lane: '0' } })
  await other.stop()
})

it('tells observers once that the holder or the reason has changed, and not of what lasts less than a second', async () => {
  const events = steered()
  const running = start({ events: { ...events } })
  events.lanes('0', '1')
  events.records('0', 31)
  await running.pass(10 * second)
  expect(running.events.map(({ hold }) => [hold.why, hold.lane])).toEqual([['no_data', '1']])
  for (let n = 0; n < 10; n++) {
    // They take turns in being the slowest.
    events.records(n % 2 === 0 ? '1' : '0', 100 + 10 * n)
    await running.pass(second)
  }
  expect(running.events.length).toBeLessThanOrEqual(2)
  events.caughtUp('0', '1')
  await running.pass(10 * second)
  expect(running.events.at(-1)!.hold).toMatchObject({ why: 'never_idle', lane: '1' })
  await running.stop()
})

it('is written for another process, which reads the saved state once the pipeline has ended', async () => {
  const events = steered()
  const running = start({ events: { ...events } })
  events.lanes('0', '1')
  events.records('0', 31)
  events.records('1', 12)
  events.caughtUp('1')
  await running.pass(3 * second)
  const file = join(running.home, 'test', 'watermarks-events.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  await running.stop()
  const [saved] = running.saved()
  expect(saved).toMatchObject({
    heldBy: null,
    atMs: null,
    steps: [{ step: 'counts', watermarkMs: 12 * second - 1, hold: { why: 'not_running', lane: '1', sinceMs: null } }],
    lanes: [
      { lane: '1', highMs: 12 * second, state: 'not_running' },
      { lane: '0', highMs: 31 * second },
    ],
    before: { holds: { counts: { why: 'never_idle', lane: '1' } } },
  })
})

it('a stop ends no lane: what another source still delivers closes no window', async () => {
  const slow = steered()
  const written: Row[] = []
  const last = recordsOf('0', 95)
  const other = steered()
  const draining: Source = {
    async *read(ctx) {
      yield* other.source.read(ctx)
      // The other reader has ended by now.
      for (let n = 0; n < 20; n++) await turn()
      yield last
    },
  }
  const write = async ({ rows }: { readonly rows: readonly Row[] }) => void written.push(...rows)
  const running = start({ slow: { ...slow }, draining: { source: draining } }, { write })
  slow.lanes('0')
  slow.records('0', 12)
  other.lanes('0')
  other.records('0', 15)
  await running.pass(2 * second)
  await running.stop()
  expect(written).toEqual([])
  expect(running.saved()[0]!.lanes.map(({ state }) => state)).toEqual(['not_running', 'not_running'])
})
