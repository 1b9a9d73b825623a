/** Lanes that deliver nothing: before a restart, and at the end of their source. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Source } from '../../src/connector/index.ts'
import { onCrashPoint } from '../../src/crash.ts'
import { batch, type Row } from '../../src/record/index.ts'
import { run } from '../../src/run/index.ts'
import { testPipeline } from '../../src/testing.ts'
import { tumblingCount } from './steps.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-lanes-'))
})
afterEach(() => {
  onCrashPoint(undefined)
  rmSync(home, { recursive: true, force: true })
})

const timed = (split: string, ...times: readonly number[]) =>
  batch({
    split,
    rows: times.map((time) => ({ id: `${split} ${time}`, time })),
    position: times.at(-1)!,
    times: Float64Array.from(times),
    bytes: 10,
  })
const bounds = { minRecords: 1, minMs: 1, tickMs: 1 }
const both = { splits: [{ id: '0' }, { id: '1' }], complete: true }

/** Counts records in windows of 50 ms, which close at their end. */
function counting(sources: Readonly<Record<string, Source>>, ordered: boolean, runs: 'whole' | 'continue' = 'whole') {
  const late: Row[] = []
  const counted: unknown[] = []
  const eventTime = { field: 'time', zone: 'UTC', maxOutOfOrderMs: 0 }
  const { plan, registry } = testPipeline({
    runs,
    sources: Object.fromEntries(
      Object.entries(sources).map(([id, source]) => [id, { create: () => source, eventTime }]),
    ),
    steps: {
      counts: {
        from: Object.keys(sources),
        create: () => tumblingCount({ size: 50, allowed: 0, maxOutOfOrder: 0 }),
        stateful: true,
        counts: true,
        ordered,
        sideOutputs: ['late'],
      },
    },
    sinks: {
      windows: {
        from: ['counts'],
        create: () => ({ write: ({ rows }) => void counted.push(...rows.map((row) => row['ids'])) }),
      },
      late: { from: ['late'], create: () => ({ write: ({ rows }) => void late.push(...rows) }) },
    },
  })
  return { late, counted, run: () => run(plan, registry, { root: home, home, secrets: () => undefined, bounds }) }
}

function killAt(at: string): void {
  onCrashPoint((point) => {
    if (point === at) throw new Error('killed')
  })
}

const untilStopped = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve))

it('a lane without records before a restart holds windows back after it, as before', async () => {
  killAt('after_save')
  const first = counting(
    {
      events: {
        async *read({ signal }) {
          yield both
          yield timed('0', 10, 60, 110, 160)
          await untilStopped(signal)
        },
      },
    },
    false,
  )
  await expect(first.run()).rejects.toThrow('killed')
  onCrashPoint(undefined)
  const second = counting(
    {
      events: {
        async *read() {
          yield both
          yield timed('1', 20, 70, 120, 170)
        },
      },
    },
    false,
  )
  await second.run()
  expect(second.late).toEqual([])
  expect(second.counted).toEqual(['0 10,1 20', '0 60,1 70', '0 110,1 120', '0 160,1 170'])
})

it('a source that has ended holds windows back while its records wait for their turn in the logged order', async () => {
  const one = { splits: [{ id: '0' }], complete: true }
  const source = (waitMs: number, ends: boolean, ...times: readonly number[]): Source => ({
    async *read({ signal }) {
      yield one
      await sleep(waitMs)
      yield timed('0', ...times)
      if (!ends) await untilStopped(signal)
    },
  })
  // The last record is late by its own lane, and the order is on the disk before it is written.
  killAt('after_write')
  const first = counting({ slow: source(30, false, 10, 60), fast: source(0, false, 110, 160, 40) }, true)
  await expect(first.run()).rejects.toThrow('killed')
  onCrashPoint(undefined)
  const second = counting({ slow: source(0, true, 10, 60), fast: source(60, true, 110, 160, 40) }, true)
  await second.run()
  expect(second.late).toEqual([{ id: '0 40', time: 40 }])
  expect(second.counted).toEqual(['0 10', '0 60', '0 110', '0 160'])
})

it('a lane that was held back continues when the source that it waited for has ended', async () => {
  const seen: unknown[] = []
  const eventTime = { field: 'time', zone: 'UTC', maxOutOfOrderMs: 0, maxSkewMs: 100 }
  const ahead: Source = {
    async *read({ wants, whenWanted, signal }) {
      yield { splits: [{ id: '0' }], complete: true }
      yield timed('0', 1000)
      while (!wants('0') && !signal.aborted) await whenWanted()
      yield timed('0', 1001)
    },
  }
  const behind: Source = {
    async *read() {
      yield { splits: [{ id: '0' }], complete: true }
      yield timed('0', 1)
      // When it ends, nothing is left to save.
      await sleep(100)
    },
  }
  const { plan, registry } = testPipeline({
    sources: { ahead: { create: () => ahead, eventTime }, behind: { create: () => behind, eventTime } },
    sinks: {
      all: {
        from: ['ahead', 'behind'],
        create: () => ({ write: ({ rows }) => void seen.push(...rows.map((row) => row['time'])) }),
      },
    },
  })
  await run(plan, registry, { root: home, home, secrets: () => undefined, bounds })
  expect(new Set(seen)).toEqual(new Set([1, 1000, 1001]))
}, 5000)

it.each([[0, 60] as const, [60, 0] as const])(
  'where all lanes have ended while the run goes on, the furthest decides, whichever ended first (%i, %i ms)',
  async (...waits) => {
    const ended = (waitMs: number, ...times: readonly number[]): Source => ({
      async *read() {
        yield { splits: [{ id: '0' }], complete: true }
        yield timed('0', ...times)
        await sleep(waitMs)
      },
    })
    const sources = { near: ended(waits[0], 10, 60), far: ended(waits[1], 20, 120, 170, 210) }
    const { counted, run } = counting(sources, false, 'continue')
    await run()
    expect(counted).toEqual(['0 10,0 20', '0 60', '0 120', '0 170'])
  },
)

it('the end of a source is repeated where it was, though the source ends later after a restart', async () => {
  const seen: { readonly late: unknown[]; readonly windows: unknown[] }[] = []
  const file = (waitMs: number, ...times: readonly number[]): Source => ({
    async *read({ signal }) {
      yield { splits: [{ id: 'f' }], complete: true }
      if (times.length > 0) yield timed('f', ...times)
      await Promise.race([sleep(waitMs), untilStopped(signal)])
    },
  })
  const stream = (idleMs: number, waitMs: number): Source => ({
    async *read({ signal }) {
      yield both
      yield timed('1', 20)
      // After the restart it has more at hand.
      if (idleMs > 0) yield { caughtUp: ['1'] }
      await sleep(idleMs)
      yield timed('0', 300)
      await sleep(waitMs)
      // Its own lane was quiet, so only what the other lanes have closed is too late for it.
      yield timed('1', 40)
      await Promise.race([sleep(150), untilStopped(signal)])
    },
  })
  for (const sources of [
    { file: file(100, 10), stream: stream(50, 150) },
    { file: file(100, 10), stream: stream(0, 0) },
  ]) {
    const isFirst = seen.length === 0
    const found: (typeof seen)[number] = { late: [], windows: [] }
    seen.push(found)
    const { plan, registry } = testPipeline({
      runs: 'continue',
      sources: {
        file: {
          create: () => sources.file,
          capabilities: { lanes: 'one' },
          eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: 0 },
        },
        stream: {
          create: () => sources.stream,
          eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: 0, idleAfterMs: 20 },
        },
      },
      steps: {
        counts: {
          from: ['file', 'stream'],
          create: () => tumblingCount({ size: 50, allowed: 0, maxOutOfOrder: 0 }),
          stateful: true,
          ordered: true,
          sideOutputs: ['late'],
        },
      },
      sinks: {
        windows: {
          from: ['counts'],
          create: () => ({ write: ({ rows }) => void found.windows.push(...rows.map((row) => row['ids'])) }),
        },
        late: {
          from: ['late'],
          create: () => ({ write: ({ rows }) => void found.late.push(...rows.map((row) => row['id'])) }),
        },
      },
    })
    // Nothing is saved before.
    onCrashPoint((point) => {
      if (isFirst && point === 'before_save') throw new Error('killed')
    })
    const slow = { minRecords: 1000, minMs: 60_000, tickMs: 1 }
    const ended = run(plan, registry, { root: home, home, secrets: () => undefined, bounds: slow })
    if (isFirst) await expect(ended).rejects.toThrow('killed')
    else await ended
    onCrashPoint(undefined)
  }
  const [first, second] = seen
  expect(first).toEqual({ late: ['1 40'], windows: ['1 20,f 10'] })
  expect(second).toEqual(first)
})
