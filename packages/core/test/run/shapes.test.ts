import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Source, Transform } from '../../src/connector/index.ts'
import { SystemError } from '../../src/errors/index.ts'
import { batch, type Json, type Row } from '../../src/record/index.ts'
import { run, type RunOptions } from '../../src/run/index.ts'
import { readStore } from '../../src/store/index.ts'
import { countBy, memorySink, memorySource, type TestPipeline, testPipeline } from '../../src/testing.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const rows = (n: number, tag = ''): Row[] => Array.from({ length: n }, (_, i) => ({ n: i, tag }))
const go = (pipeline: TestPipeline, more: Partial<RunOptions> = {}) => {
  const { plan, registry } = testPipeline({ retry: { forMs: 25, firstMs: 1, maxMs: 4 }, ...pipeline })
  return run(plan, registry, {
    root: home,
    home,
    secrets: () => undefined,
    ...more,
  })
}
const routeByN = (): Transform => ({
  apply({ rows }, out) {
    for (const [i, row] of rows.entries()) out.side((row['n'] as number) % 2 ? 'odd' : 'even', row, i)
    return { rows: [] }
  },
})

describe('shapes of pipelines', () => {
  it('merges two sources into one sink and keeps their ids apart', async () => {
    const got = new Map<string, Row>()
    const summary = await go({
      sources: { a: () => memorySource(rows(150)), b: () => memorySource(rows(70)) },
      sinks: { all: { from: ['a', 'b'], create: () => memorySink(got) } },
    })
    expect(got.size).toBe(220)
    expect(got.has('test/b/memory@69')).toBe(true)
    expect(summary.imbalances).toEqual([])
  })

  it('runs unconnected parts side by side, each with its own epochs, and both resume', async () => {
    const [a, b] = [new Map<string, Row>(), new Map<string, Row>()]
    const pipeline: TestPipeline = {
      sources: { a: () => memorySource(rows(3000)), b: () => memorySource(rows(50)) },
      sinks: {
        intoA: { from: ['a'], create: () => memorySink(a) },
        intoB: { from: ['b'], create: () => memorySink(b) },
      },
    }
    const summary = await go(pipeline)
    expect([a.size, b.size, summary.counters.length, summary.ended]).toEqual([3000, 50, 2, true])
    expect(summary.imbalances).toEqual([])
  })

  it('stops an unconnected part, even in the middle of an epoch, when another one fails, and reports why that one failed', async () => {
    const writing = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const events: string[] = []
    const failing: Source = {
      async *read() {
        yield { splits: [{ id: 'all' }], complete: true }
        await writing.promise
        setTimeout(release.resolve, 50)
        throw new Error('gone')
      },
    }
    const waiting: Source = {
      async *read({ signal }) {
        yield { ...batch({ split: 'all', rows: rows(5), position: 5 }), caughtUp: true }
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      },
    }
    const slow = memorySink(new Map(), {
      async onWrite() {
        writing.resolve()
        await release.promise
        events.push('written')
      },
    })
    const ended = go({
      sources: { a: () => failing, b: () => waiting },
      sinks: {
        intoA: { from: ['a'], create: () => memorySink(new Map()) },
        intoB: { from: ['b'], create: () => ({ ...slow, close: async () => void events.push('closed') }) },
      },
    })
    await expect(ended).rejects.toThrow('gone')
    expect(events).toEqual(['written', 'closed'])
  }, 5_000)

  it('routes to named outputs and balances them', async () => {
    const [odd, even] = [new Map<string, Row>(), new Map<string, Row>()]
    const summary = await go({
      sources: { source: () => memorySource(rows(101)) },
      steps: { split: { create: routeByN, sideOutputs: ['odd', 'even'] } },
      sinks: {
        odd_sink: { from: ['odd'], create: () => memorySink(odd) },
        even_sink: { from: ['even'], create: () => memorySink(even) },
      },
    })
    expect([odd.size, even.size]).toEqual([50, 51])
    expect(summary.imbalances).toEqual([])
  })

  it('gathers many small batches of many splits into few writes, and each record keeps its id', async () => {
    const got = new Map<string, Row>()
    let writes = 0
    const source = (): Source => ({
      async *read() {
        for (let k = 0; k < 500; k++) yield batch({ split: `s${k}`, rows: [{ n: k }], position: 1 })
      },
    })
    await go({
      sources: { source },
      sinks: { all: { create: () => memorySink(got, { onWrite: () => void writes++ }) } },
    })
    expect(got.size).toBe(500)
    expect(got.get('test/source/s77@0')).toEqual({ n: 77 })
    expect(writes).toBeLessThan(50)
  })

  it('rereads a source from the position the transforms have reached, after a transient failure', async () => {
    const got = new Map<string, Row>()
    const inner = memorySource(rows(100))
    const resumedAt: (Json | undefined)[] = []
    let thrown = 0
    const source = (): Source => ({
      async *read(ctx) {
        resumedAt.push(ctx.resume('memory'))
        let n = 0
        for await (const b of inner.read(ctx)) {
          yield b
          if (++n === 5 && thrown++ < 2) throw new SystemError('reset', 'connection reset', { retry: true })
        }
      },
    })
    const summary = await go({ sources: { source }, sinks: { all: { create: () => memorySink(got) } } })
    expect(resumedAt).toEqual([undefined, 40, 80])
    expect(got.size).toBe(100)
    expect(summary.counters[0]!.sources['source']!.read).toBe(100)
  })

  it('resumes a continuing run where the last one ended, reading only what is new', async () => {
    const got = new Map<string, Row>()
    const pipeline = (n: number): TestPipeline => ({
      runs: 'continue',
      sources: { source: () => memorySource(rows(n)) },
      sinks: { all: { create: () => memorySink(got) } },
    })
    await go(pipeline(30))
    const summary = await go(pipeline(45))
    expect(summary).toMatchObject({ incarnation: 1, resumed: true })
    expect(got.size).toBe(45)
    expect(summary.counters[0]!.sources['source']!.read).toBe(45)
  })

  it('saves what a source remembers with the epoch, and notifies it before and after the save', async () => {
    const told: (Json | undefined)[] = []
    const source = (): Source => ({
      async *read(ctx) {
        told.push(ctx.recall('seen'))
        yield batch({ split: 's', rows: [{ n: 1 }], position: 1, remember: [['seen', { at: 1 }]] })
        told.push(ctx.recall('seen'))
        yield batch({ split: 's', rows: [{ n: 2 }], position: 2, remember: [['seen', null]] })
        told.push(ctx.recall('seen'))
        yield batch({ split: 's', rows: [], position: 2, remember: [['kept', 7]] })
      },
    })
    await go({ runs: 'continue', sources: { source }, sinks: { all: { create: () => memorySink(new Map()) } } })
    expect(told).toEqual([undefined, { at: 1 }, undefined])
    const store = readStore(join(home, 'test'))!
    expect([store.recall('source', 'seen'), store.recall('source', 'kept')]).toEqual([undefined, 7])
    store.close()
  })

  it('refuses to resume with the state of a step that has changed', async () => {
    const { countBy } = await import('../../src/testing.ts')
    const pipeline = (fail: boolean): TestPipeline => ({
      sources: { source: () => memorySource(rows(20_000), { size: 1000 }) },
      steps: { count: { create: () => countBy('tag') } },
      sinks: {
        all: {
          from: ['source'],
          create: () =>
            memorySink(new Map(), {
              onWrite: (ids) => {
                if (fail && ids[0]!.endsWith('@15000')) throw new Error('stop here')
              },
            }),
        },
        counts: { create: () => memorySink(new Map()) },
      },
    })
    await expect(go(pipeline(true), { bounds: { minRecords: 1000 } })).rejects.toThrow('stop here')
    const { plan, registry } = testPipeline(pipeline(false))
    const changed = { ...plan, steps: plan.steps.map((s) => ({ ...s, stateHash: 'other' })) }
    await expect(run(changed, registry, { root: home, home, secrets: () => undefined })).rejects.toMatchObject({
      code: 'state_changed',
    })
    expect(await go(pipeline(false))).toMatchObject({ ended: true, resumed: true })
  })

  it('holds the checkpoint for a sink that can resume only at a roll', async () => {
    const got = new Map<string, Row>()
    const saved: number[] = []
    let buffered = 0
    const holder = () => ({
      write: (records: { length: number }) => void (buffered += records.length),
      full: () => buffered >= 12_000,
      flush: async ({ roll }: { roll: boolean }) => {
        expect(roll).toBe(true)
        const stages = buffered ? [buffered] : []
        buffered = 0
        return { stages }
      },
      publish: async (stage: Json) => void saved.push(stage as number),
    })
    const pipeline: TestPipeline = {
      sources: { source: () => memorySource(rows(50_000), { size: 1000 }) },
      sinks: {
        files: { create: holder, capabilities: { checkpointsOnRoll: true } },
        docs: { from: ['source'], create: () => memorySink(got) },
      },
    }
    await go(pipeline)
    expect(saved.reduce((a, b) => a + b, 0)).toBe(50_000)
    expect(saved.length).toBeGreaterThan(2)
    expect(saved.length).toBeLessThan(6)
  })

  it('keeps the order of a key across branches that meet again, whatever the batches', async () => {
    for (const size of [1, 3, 7, 50]) {
      const last = new Map<unknown, number>()
      await go({
        name: `size${size}`,
        sources: { source: () => memorySource(rows(50), { size }) },
        steps: { split: { create: routeByN, sideOutputs: ['odd', 'even'] } },
        sinks: {
          byKey: {
            from: ['odd', 'even'],
            create: () => ({
              write(records) {
                for (const row of records.rows) last.set(Number(row['n']) % 5, row['n'] as number)
              },
            }),
          },
        },
      })
      expect([...last.entries()].toSorted(([a], [b]) => Number(a) - Number(b))).toEqual(
        [0, 1, 2, 3, 4].map((k) => [k, 45 + k]),
      )
    }
  })

  it('gives records that arrive by two branches of one source distinct ids, and results next to records too', async () => {
    const got = new Map<string, Row>()
    const copy = (side: string) => (): Transform => ({
      apply: ({ rows }) => ({ rows: rows.map((row) => ({ ...row, side })) }),
    })
    const summary = await go({
      sources: { source: () => memorySource(rows(20, 'x')), more: () => memorySource(rows(5, 'y')) },
      steps: {
        debit: { from: ['source'], create: copy('debit') },
        credit: { from: ['source'], create: copy('credit') },
        counted: { from: ['more'], create: () => countBy('tag'), stateful: true, counts: true },
      },
      sinks: {
        all: {
          from: ['debit', 'credit', 'counted', 'more'],
          namedFrom: ['debit', 'credit'],
          create: () => memorySink(got),
        },
      },
    })
    expect(got.size).toBe(46)
    expect(got.get('test/source/memory@3#credit')).toMatchObject({ n: 3, side: 'credit' })
    expect(got.get('test/counted/["y"]')).toEqual({ tag: 'y', count: 5 })
    expect(got.get('test/more/memory@4')).toEqual({ n: 4, tag: 'y' })
    expect(summary.imbalances).toEqual([])
  })

  it.each(['restore', 'takeChanges'] as const)(
    'refuses a stateful step without `%s` before it reads',
    async (method) => {
      let reads = 0
      const source = memorySource(rows(1))
      const read: Source['read'] = (ctx) => {
        reads++
        return source.read(ctx)
      }
      const pipeline: TestPipeline = {
        sources: { source: () => ({ read }) },
        steps: { sum: { stateful: true, create: () => ({ ...countBy('tag'), [method]: undefined }) } },
        sinks: { out: { create: () => memorySink(new Map()) } },
      }
      await expect(go(pipeline)).rejects.toMatchObject({
        code: 'unexpected',
        message: `the step declares that it is stateful, but has no \`${method}\``,
        place: 'sum, starting',
        hint: expect.stringContaining('testing'),
      })
      expect(reads).toBe(0)
    },
  )

  it('runs slow publishes alongside the next epochs: in order, at most two waiting, commit actions after their own publish', async () => {
    const events: { what: 'published' | 'action'; upTo: number }[] = []
    let flushes = 0
    let waiting = 0
    let most = 0
    const pipeline: TestPipeline = {
      sources: {
        source: {
          create: () => ({
            ...memorySource(rows(60), { size: 5, caughtUp: true }),
            commit: async (done) => void events.push({ what: 'action', upTo: Number(done[0]!.position) }),
          }),
          capabilities: { commit: 'action' },
        },
      },
      sinks: {
        warehouse: {
          capabilities: { slowPublish: true, checkpointsOnRoll: true },
          create: () => {
            let n = 0
            let sinceRoll = 0
            return {
              write(records) {
                n += records.length
                sinceRoll += records.length
              },
              full: () => sinceRoll >= 5,
              async flush() {
                sinceRoll = 0
                flushes++
                most = Math.max(most, ++waiting)
                return { stages: [n] }
              },
              async publish(stage) {
                await sleep(15)
                waiting--
                events.push({ what: 'published', upTo: stage as number })
              },
            }
          },
        },
      },
    }
    await go(pipeline)
    expect(flushes).toBeGreaterThanOrEqual(3)
    // One is being published, two wait, and one more may be flushed before it has to wait.
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
    for (const what of ['published', 'action'] as const) {
      const own = events.filter((e) => e.what === what).map(({ upTo }) => upTo)
      expect(own).toEqual(own.toSorted((a, b) => a - b))
    }
    let shown = 0
    for (const { what, upTo } of events) {
      if (what === 'published') shown = upTo
      else expect(shown).toBeGreaterThanOrEqual(upTo)
    }
    expect(shown).toBe(60)
  })
})
