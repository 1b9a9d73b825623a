/**
 * When something fails, nothing that came after the last complete hand-over is saved; and a stop ends, whatever hangs.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sink, Source, Transform } from '../../src/connector/index.ts'
import { PartialWriteError, SystemError } from '../../src/errors/index.ts'
import { batch, type Row } from '../../src/record/index.ts'
import { run, type RunOptions } from '../../src/run/index.ts'
import { graceMs } from '../../src/run/shutdown.ts'
import type { RetryRule } from '../../src/spec/retry.ts'
import { memorySink, memorySource, type TestPipeline, testPipeline } from '../../src/testing.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-stops-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const go = (pipeline: TestPipeline, more: Partial<RunOptions> = {}) => {
  const { plan, registry } = testPipeline({ retry: { forMs: 25, firstMs: 1, maxMs: 4 }, ...pipeline })
  return run(plan, registry, { root: home, home, secrets: () => undefined, ...more })
}
const rows = (n: number): Row[] => Array.from({ length: n }, (_, i) => ({ n: i }))

/** Pages of ten, the first immediately, each later one after a while. */
const slowPages = (waitMs: number): Source => ({
  async *read({ resume }) {
    yield { splits: [{ id: 's' }], complete: true }
    for (let at = (resume('s') as number | undefined) ?? 0; at < 40; at += 10) {
      yield batch({ split: 's', rows: rows(40).slice(at, at + 10), position: at + 10 })
      await sleep(waitMs)
    }
  },
})
const copy = (): Transform => ({ apply: ({ rows }) => ({ rows: rows.map((row) => ({ ...row })) }) })
/** Fails the row with this n, while it is bad. */
const judge = (n: number, isBad: () => boolean): Transform => ({
  apply({ rows }, out) {
    const kept: number[] = []
    for (const [i, row] of rows.entries())
      if (row['n'] === n && isBad()) out.fail(i, 'bad_date', { message: `n is ${n}` })
      else kept.push(i)
    return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
  },
})
/** Lines that are cut back to what was saved, as in an append file. */
function lines(file: { rows: number[] }): Sink {
  return {
    async open({ restore }) {
      file.rows.length = (restore as { n: number } | undefined)?.n ?? 0
    },
    write: (records) => void file.rows.push(...records.rows.map((row) => row['n'] as number)),
    flush: async () => ({ resume: { n: file.rows.length } }),
  }
}

describe('a record that stops the run', () => {
  it('saves nothing of a batch that stops the run in another branch, whatever timer fires meanwhile', async () => {
    const file = { rows: [] as number[] }
    let isBad = true
    const pipeline = (): TestPipeline => ({
      sources: { source: () => slowPages(150) },
      steps: {
        all: { from: ['source'], create: copy },
        judged: { from: ['source'], create: () => judge(15, () => isBad) },
      },
      sinks: {
        all_lines: { from: ['all'], create: () => lines(file) },
        others: { from: ['judged'], create: () => ({ write() {} }) },
      },
    })
    await expect(go(pipeline())).rejects.toMatchObject({ code: 'bad_date' })
    isBad = false
    const summary = await go(pipeline())
    expect(file.rows).toEqual(Array.from({ length: 40 }, (_, n) => n))
    expect(summary.imbalances).toEqual([])
  })

  it('is reported when it is reached, though the source keeps waiting', async () => {
    const started = performance.now()
    await expect(
      go({
        sources: {
          source: () => ({
            async *read({ signal }) {
              yield batch({ split: 's', rows: rows(3), position: 3 })
              await new Promise((resolve) => signal.addEventListener('abort', resolve))
            },
          }),
        },
        steps: { judged: { create: () => judge(2, () => true) } },
        sinks: { all: { create: () => memorySink(new Map()) } },
      }),
    ).rejects.toMatchObject({ code: 'bad_date' })
    expect(performance.now() - started).toBeLessThan(1500)
  })
})

describe('a connector that does not end', () => {
  const hang = (): Promise<never> => new Promise(() => {})
  it.each([
    ['writing', { write: hang }],
    ['flushing', { write() {}, flush: hang }],
    ['publishing', { write() {}, flush: async () => ({ stages: [1] }), publish: hang }],
    ['opening', { open: hang, write() {} }],
  ] satisfies [string, Sink][])('is abandoned and named while %s, once the drain is over', async (doing, sink) => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 60)
    const started = performance.now()
    await expect(
      go(
        { sources: { source: () => memorySource(rows(3)) }, sinks: { slow: { create: () => sink } } },
        { signal: stop.signal, drainMs: 200 },
      ),
    ).rejects.toMatchObject({ code: 'abandoned', message: expect.stringContaining(`slow (testing), ${doing}`) })
    expect(performance.now() - started).toBeLessThan(6000)
  })

  it('hides no failure that stopped the run', async () => {
    const writing = Promise.withResolvers<void>()
    const hangs = () => {
      writing.resolve()
      return hang()
    }
    const warnings: string[] = []
    await expect(
      go(
        {
          sources: {
            source: () => ({
              async *read() {
                yield batch({ split: 's', rows: rows(2), position: 2 })
                await writing.promise
                yield batch({ split: 's', rows: rows(3).slice(2), position: 3 })
              },
            }),
          },
          steps: { judged: { from: ['source'], create: () => judge(2, () => true) } },
          sinks: {
            all: { create: () => memorySink(new Map()) },
            slow: { from: ['source'], create: () => ({ write: hangs }) },
          },
        },
        { observe: (e) => void (e.type === 'warning' && warnings.push(`${e.node} ${e.message}`)) },
      ),
    ).rejects.toMatchObject({ code: 'bad_date' })
    expect(warnings).toEqual([expect.stringMatching(/^slow slow \(testing\), writing kept running for 2 s/)])
  })

  it('may be a source: the drain continues without it', async () => {
    const got = new Map<string, Row>()
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 100)
    const warnings: string[] = []
    const summary = await go(
      {
        sources: {
          source: () => ({
            async *read() {
              yield batch({ split: 's', rows: rows(3), position: 3 })
              await hang()
            },
          }),
        },
        sinks: { all: { create: () => memorySink(got) } },
      },
      { signal: stop.signal, observe: (e) => void (e.type === 'warning' && warnings.push(`${e.node} ${e.message}`)) },
    )
    expect([summary.ended, got.size]).toEqual([false, 3])
    expect(warnings).toEqual([expect.stringMatching(/^source kept reading .*testing/)])
  })
})

it('a source that waits for a slow sink is not blamed at a stop', async () => {
  const stop = new AbortController()
  const told: string[] = []
  const summary = await go(
    {
      sources: { source: () => memorySource(rows(9_000), { size: 1000 }) },
      sinks: {
        slow: {
          create: () => ({
            async write() {
              if (stop.signal.aborted) return
              setTimeout(() => stop.abort(), 20)
              await sleep(graceMs + 200)
            },
          }),
        },
      },
    },
    {
      signal: stop.signal,
      bounds: { aheadRows: 1000 },
      observe: (e) => void (e.type === 'warning' && told.push(e.message)),
    },
  )
  expect([summary.ended, told]).toEqual([false, []])
})

describe('a system that cannot be reached', () => {
  it.each(['flush', 'publish', 'commit'] as const)(
    'is retried by %s, and named when it stays unreachable',
    async (what) => {
      const down = () => new SystemError('throttled', 'slow down', { retry: true })
      const pipeline = (fails: number): TestPipeline => {
        let left = fails
        const call = async () => {
          if (left-- > 0) throw down()
        }
        return {
          name: `p${fails}`,
          sources: {
            source: {
              create: () => ({ ...memorySource(rows(3)), ...(what === 'commit' ? { commit: call } : {}) }),
              capabilities: { commit: 'action' },
            },
          },
          sinks: {
            files: {
              create: () => ({
                write() {},
                flush: async ({ end }) => {
                  if (what === 'flush') await call()
                  return end ? { stages: [1] } : {}
                },
                publish: async () => (what === 'publish' ? call() : undefined),
              }),
            },
          },
        }
      }
      const retried: string[] = []
      await go(pipeline(1), { observe: (e) => void (e.type === 'retry' && retried.push(`${e.node} ${e.doing}`)) })
      expect(retried).toHaveLength(1)
      await expect(go(pipeline(1000))).rejects.toMatchObject({
        code: 'throttled',
        place: expect.stringContaining(retried[0]!.split(' ')[0]!),
      })
    },
  )

  it('is waited for 30 s at most until it has answered once, and as long as the spec says after that', async () => {
    const waits: number[] = []
    const { testClock } = await import('../time/clock.ts')
    const clock = testClock()
    const moving = { ...clock, sleep: async (ms: number) => clock.advance(ms) }
    let answers = 0
    const sink = (): Sink => ({
      write() {
        if (answers-- <= 0) throw new SystemError('refused', 'nobody there', { retry: true })
      },
    })
    const source = (): Source => ({
      async *read() {
        yield { ...batch({ split: 's', rows: rows(1), position: 1 }), caughtUp: true }
        await sleep(50)
        yield batch({ split: 's', rows: rows(1), position: 2 })
      },
    })
    const { plan, registry } = testPipeline({ sources: { source }, sinks: { all: { create: sink } } })
    const observe: RunOptions['observe'] = (e) => void (e.type === 'retry' && waits.push(e.forMs))
    const options = { root: home, home, secrets: () => undefined, clock: moving, observe }
    await expect(run({ ...plan, name: 'first' }, registry, options)).rejects.toMatchObject({
      code: 'refused',
      exitCode: 3,
    })
    expect(new Set(waits)).toEqual(new Set([30_000]))
    waits.length = 0
    answers = 1
    await expect(run({ ...plan, name: 'second' }, registry, options)).rejects.toMatchObject({
      code: 'refused',
      exitCode: 1,
    })
    expect(new Set(waits)).toEqual(new Set([30 * 60_000]))
  })

  describe('is left alone for as long as it asks', () => {
    const attempt = async (waitMs: number, failing: 'reading' | 'writing' | 'writing some', retry?: RetryRule) => {
      const busy = new SystemError('asked_to_wait', 'come back later', { retry: true, waitMs })
      let failed = false
      const failsAt = (now: string) => now === failing && !failed && (failed = true)
      const { plan, registry } = testPipeline({
        ...(retry ? { retry } : {}),
        sources: {
          source: () => ({
            async *read() {
              if (failsAt('reading')) throw busy
              yield batch({ split: 's', rows: rows(3), position: 3 })
            },
          }),
        },
        sinks: {
          all: {
            create: () => ({
              write() {
                if (failsAt('writing')) throw busy
                if (failsAt('writing some'))
                  throw new PartialWriteError([
                    { index: 0, kind: 'system', code: 'held', message: 'waits' },
                    { index: 2, kind: 'system', code: busy.code, message: busy.message, waitMs },
                  ])
              },
            }),
          },
        },
      })
      const { testClock } = await import('../time/clock.ts')
      const clock = testClock()
      const slept: number[] = []
      const sleep = async (ms: number) => {
        slept.push(ms)
        clock.advance(ms)
      }
      const options = { root: home, home, secrets: () => undefined, clock: { ...clock, sleep } }
      return { slept, ended: run({ ...plan, name: `p${waitMs}` }, registry, options) }
    }

    it.each(['reading', 'writing', 'writing some'] as const)(
      '%s, though it has never answered otherwise, and stops the run immediately where that is too long',
      async (failing) => {
        const asked = await attempt(120_000, failing)
        expect((await asked.ended).imbalances).toEqual([])
        expect(asked.slept).toEqual([120_000])
        const long = await attempt(3_600_000, failing)
        await expect(long.ended).rejects.toMatchObject({
          code: 'asked_to_wait',
          message: expect.stringMatching(/later$/),
        })
        expect(long.slept).toEqual([])
        const allowed = await attempt(3_600_001, failing, { forMs: 7_200_000, firstMs: 100, maxMs: 100 })
        expect((await allowed.ended).imbalances).toEqual([])
        expect(allowed.slept).toEqual([3_600_001])
      },
    )
  })
})
