import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { Source } from '../../src/connector/index.ts'
import { PartialWriteError, SystemError } from '../../src/errors/index.ts'
import { type Row } from '../../src/record/index.ts'
import { run, type RunOptions } from '../../src/run/index.ts'
import { countBy, memorySink, memorySource, type TestPipeline, testPipeline } from '../../src/testing.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const rows = (n: number): Row[] => Array.from({ length: n }, (_, i) => ({ n: i, group: `g${i % 7}` }))
const go = (pipeline: TestPipeline, more: Partial<RunOptions> = {}) => {
  const { plan, registry } = testPipeline({ retry: { forMs: 25, firstMs: 1, maxMs: 4 }, ...pipeline })
  return run(plan, registry, {
    root: home,
    home,
    secrets: () => undefined,
    ...more,
  })
}

describe('the loop', () => {
  it('delivers every record to every sink once, and its summary balances', async () => {
    const [a, b] = [new Map<string, Row>(), new Map<string, Row>()]
    const summary = await go({
      sources: { source: () => memorySource(rows(2500)) },
      sinks: { a: { create: () => memorySink(a) }, b: { create: () => memorySink(b) } },
    })
    expect(a.size).toBe(2500)
    expect(b.size).toBe(2500)
    expect([...a.keys()][3]).toBe('test/source/memory@3')
    expect(summary).toMatchObject({ ended: true, imbalances: [] })
    expect(summary.counters[0]!.sinks['a']).toMatchObject({ in: 2500, delivered: 2500, failed: 0 })
  })

  it('starts a new incarnation when a whole run has ended, and writes the same ids again', async () => {
    const got = new Map<string, Row>()
    const pipeline = {
      sources: { source: () => memorySource(rows(30)) },
      sinks: { a: { create: () => memorySink(got) } },
    }
    expect((await go(pipeline)).incarnation).toBe(1)
    expect(await go(pipeline)).toMatchObject({ incarnation: 2, resumed: false })
    expect(got.size).toBe(30)
  })

  it('resumes from the last save after a failure, with its state and its counters', async () => {
    const got = new Map<string, Row>()
    const groups = new Map<string, Row>()
    let writes = 0
    const pipeline = (breakAt: number): TestPipeline => ({
      sources: { source: () => memorySource(rows(5000), { size: 500 }) },
      steps: { count: { from: ['source'], create: () => countBy('group') } },
      sinks: {
        all: {
          from: ['source'],
          create: () =>
            memorySink(got, {
              onWrite: () => {
                if (++writes === breakAt) throw new SystemError('gone', 'the store is gone')
              },
            }),
        },
        groups: { from: ['count'], create: () => memorySink(groups) },
      },
    })
    const bounds = { minRecords: 700 }
    await expect(go(pipeline(4), { bounds })).rejects.toMatchObject({ code: 'gone' })
    const summary = await go(pipeline(-1), { bounds })
    expect(summary).toMatchObject({ resumed: true, ended: true, imbalances: [] })
    expect(got.size).toBe(5000)
    expect([...groups.values()].reduce((sum, g) => sum + (g['count'] as number), 0)).toBe(5000)
    expect(summary.counters[0]!.sources['source']!.read).toBe(5000)
  })

  it('says when the run began: the same after a failure and to all its sources, and another time in the next run', async () => {
    const began: [string, number][] = []
    const told = (name: string) => (): Source => {
      const memory = memorySource(rows(10))
      return {
        read(ctx) {
          began.push([name, ctx.beganMs])
          return memory.read(ctx)
        },
      }
    }
    const pipeline = (isBroken: boolean): TestPipeline => ({
      sources: { a: told('a'), b: told('b') },
      sinks: {
        all: {
          from: ['a', 'b'],
          create: () =>
            memorySink(new Map(), {
              onWrite() {
                if (isBroken) throw new Error('broken')
              },
            }),
        },
      },
    })
    let now = 1000
    const clock: Clock = { ...systemClock, now: () => now++ }
    await expect(go(pipeline(true), { clock })).rejects.toThrow('broken')
    await go(pipeline(false), { clock })
    const first = began.map(([name]) => [name, began[0]![1]] as const)
    expect(began).toEqual(first)
    expect(new Set(began.map(([name]) => name)).size).toBe(2)
    began.length = 0
    await go(pipeline(false), { clock })
    expect(began[0]![1]).not.toBe(first[0]![1])
  })

  it('stops at a bad record and reports its place, by default', async () => {
    await expect(
      go({
        sources: { source: () => memorySource(rows(30), { bad: new Map([[17, 'bad_date']]) }) },
        sinks: { a: { create: () => memorySink(new Map()) } },
      }),
    ).rejects.toMatchObject({
      code: 'bad_date',
      place: 'source, split memory, position 17',
    })
  })

  it('sends bad records of the source, of a step and of a sink to the dead letter, and the balance counts them', async () => {
    const got = new Map<string, Row>()
    const dead = new Map<string, Row>()
    const summary = await go({
      onError: 'dead_letter',
      sources: { source: () => memorySource(rows(100), { bad: new Map([[17, 'bad_date']]) }) },
      steps: {
        odd: {
          create: () => ({
            apply({ rows }, out) {
              const kept = rows.filter((r, i) =>
                r['n'] === 50 ? (out.fail(i, 'not_fifty', { message: 'n is 50' }), false) : true,
              )
              return { rows: kept, origins: Int32Array.from(rows.flatMap((r, i) => (r['n'] === 50 ? [] : [i]))) }
            },
          }),
        },
      },
      sinks: {
        a: {
          create: () => ({
            async write(records) {
              const failures = records.rows.flatMap((r, index) =>
                r['n'] === 80 ? [{ index, kind: 'data' as const, code: 'too_large', message: 'n is 80' }] : [],
              )
              records.ids().forEach((id, i) => failures.some((f) => f.index === i) || got.set(id, records.rows[i]!))
              if (failures.length) throw new PartialWriteError(failures)
            },
          }),
        },
      },
      deadLetter: () => memorySink(dead),
    })
    expect(summary.imbalances).toEqual([])
    expect(got.size).toBe(97)
    expect([...dead.values()].map((d) => [d['step'], d['code'], d['position']])).toEqual([
      ['source', 'bad_date', '17'],
      ['odd', 'not_fifty', '50'],
      ['a', 'too_large', '80'],
    ])
    expect(Buffer.from(String([...dead.values()][1]!['bytes']), 'base64').toString()).toBe('{"n":50,"group":"g1"}')
  })

  it('repeats a write that failed as a whole, and only the records not accepted by one that failed in part', async () => {
    const got: number[] = []
    let tries = 0
    const summary = await go({
      sources: { source: () => memorySource(rows(5)) },
      sinks: {
        a: {
          create: () => ({
            async write(records) {
              tries++
              if (tries === 1) throw new SystemError('refused', 'connection refused', { retry: true })
              const taken = records.rows.filter((r) => tries > 2 || (r['n'] as number) < 3)
              got.push(...taken.map((r) => r['n'] as number))
              if (taken.length < records.length)
                throw new PartialWriteError(
                  [3, 4].map((index) => ({ index, kind: 'system', code: 'throttled', message: 'slow down' })),
                )
            },
          }),
        },
      },
    })
    expect(got).toEqual([0, 1, 2, 3, 4])
    expect(tries).toBe(3)
    expect(summary.imbalances).toEqual([])
  })

  it('gives up after the last attempt, blames the environment where a system never answered, and loses nothing', async () => {
    const refuse = {
      create: (): ReturnType<typeof memorySink> => ({
        write: async () => Promise.reject(new SystemError('refused', 'connection refused', { retry: true })),
      }),
    }
    await expect(go({ sources: { source: () => memorySource(rows(5)) }, sinks: { a: refuse } })).rejects.toMatchObject({
      code: 'refused',
      exitCode: 3,
    })
    const got = new Map<string, Row>()
    await go({ sources: { source: () => memorySource(rows(5)) }, sinks: { a: { create: () => memorySink(got) } } })
    expect(got.size).toBe(5)
  })

  it('stops on a flood of bad records', async () => {
    const bad = new Map(Array.from({ length: 300 }, (_, i) => [i * 10, 'bad_date'] as const))
    const go1 = go({
      onError: 'dead_letter',
      stopAbove: 0.05,
      sources: { source: () => memorySource(rows(3000), { bad }) },
      sinks: { a: { create: () => memorySink(new Map()) } },
      deadLetter: () => memorySink(new Map()),
    })
    await expect(go1).rejects.toMatchObject({ code: 'too_many_bad_records' })
  })

  it('publishes a stage after the save, again after a crash, and then never again', async () => {
    const published: string[] = []
    const stageSink = (crash: boolean) => () => ({
      write() {},
      flush: async ({ end }: { end: boolean }) => (end ? { stages: ['one'] } : {}),
      publish: async (stage: unknown) => {
        if (crash) throw new Error('killed')
        published.push(String(stage))
      },
    })
    const pipeline = (crash: boolean): TestPipeline => ({
      sources: { source: () => memorySource(rows(5)) },
      sinks: { a: { create: stageSink(crash), capabilities: { checkpointsOnRoll: true } } },
    })
    await expect(go(pipeline(true))).rejects.toThrow('killed')
    expect(published).toEqual([])
    await go(pipeline(false))
    expect(published[0]).toBe('one')
  })

  it('refuses a second process on the same state', async () => {
    const { openStore } = await import('../../src/store/index.ts')
    const store = openStore(join(home, 'test'))
    await expect(
      go({ sources: { source: () => memorySource(rows(5)) }, sinks: { a: { create: () => memorySink(new Map()) } } }),
    ).rejects.toMatchObject({
      code: 'locked',
      exitCode: 3,
    })
    store.close()
  })

  it('drains and saves when it is asked to stop, and resumes later', async () => {
    const stop = new AbortController()
    const got = new Map<string, Row>()
    const pipeline: TestPipeline = {
      sources: { source: () => memorySource(rows(20_000), { size: 100 }) },
      sinks: {
        a: {
          create: () =>
            memorySink(got, {
              onWrite: () => {
                if (got.size > 5000) stop.abort()
              },
            }),
        },
      },
    }
    expect(await go(pipeline, { signal: stop.signal })).toMatchObject({ ended: false })
    expect(got.size).toBeLessThan(20_000)
    expect(await go(pipeline)).toMatchObject({ ended: true, resumed: true, imbalances: [] })
    expect(got.size).toBe(20_000)
  })
})
