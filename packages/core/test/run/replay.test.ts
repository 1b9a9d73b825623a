import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sink, Transform } from '../../src/connector/index.ts'
import { crashPoints, onCrashPoint } from '../../src/crash.ts'
import { batch, type Row, type WireText } from '../../src/record/index.ts'
import { run } from '../../src/run/index.ts'
import type { Letter } from '../../src/run/letters.ts'
import { dismiss, replay } from '../../src/run/replay.ts'
import { memorySink, memorySource, type TestPipeline, testPipeline } from '../../src/testing.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Makes two records of each; `broken`: those with this n and this half fail in the next step. */
const twice = (): Transform => ({
  apply({ rows }) {
    return {
      rows: rows.flatMap((r) => [
        { ...r, half: 0 },
        { ...r, half: 1 },
      ]),
      origins: Int32Array.from(rows.flatMap((_, i) => [i, i])),
    }
  },
})
const refuse = (n: number): Transform => ({
  apply({ rows }, out) {
    const kept: number[] = []
    for (const [i, row] of rows.entries()) {
      if (row['n'] === n && row['half'] === 1) out.fail(i, 'refused', { message: `n is ${n}` })
      else kept.push(i)
    }
    return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
  },
})

const rows = (n: number): Row[] => Array.from({ length: n }, (_, i) => ({ n: i }))
/** Fails the rows whose number is bad. */
const failing = (isBad: (n: number) => boolean): Transform => ({
  apply({ rows }, out) {
    const kept: number[] = []
    for (const [i, row] of rows.entries())
      if (isBad(row['n'] as number)) out.fail(i, 'bad_number', { message: 'it is bad' })
      else kept.push(i)
    return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
  },
})

describe('dead-letter replay', () => {
  it('ends immediately where a sink saves only when its files are complete', async () => {
    const dead = new Map<string, Row>()
    const stored: Row[] = []
    let isMended = false
    const { plan, registry } = testPipeline({
      onError: 'dead_letter',
      sources: { source: () => memorySource(rows(3)) },
      steps: { strict: { create: () => failing((n) => n === 1 && !isMended) } },
      sinks: {
        files: {
          create: () => ({
            write: async ({ rows: all }) => void stored.push(...all),
            flush: async () => ({}),
            close: async () => {},
          }),
          capabilities: { checkpointsOnRoll: true },
        },
      },
      deadLetter: () => memorySink(dead),
    })
    const workspace = { root: home, home, secrets: () => undefined }
    await run(plan, registry, workspace)
    isMended = true
    // Without an end to the epoch it would take `rollMs`, a minute.
    const { replayed } = await replay(plan, registry, [...dead.values()] as unknown as Letter[], workspace)
    expect([replayed, stored.map(({ n }) => n)]).toEqual([1, [0, 2, 1]])
  })

  it('delivers a mended record to the step at which it stopped and those after it, and to no other branch', async () => {
    const stores = { raw: new Map<string, Row>(), halves: new Map<string, Row>(), dead: new Map<string, Row>() }
    const writes: Record<string, number> = { raw: 0, halves: 0 }
    const pipeline = (bad: number): TestPipeline => ({
      onError: 'dead_letter',
      sources: {
        source: () =>
          memorySource(
            Array.from({ length: 20 }, (_, n) => ({ n })),
            { bad: new Map(bad === 7 ? [[3, 'bad_date']] : []) },
          ),
      },
      steps: { twice: { create: twice, multiplies: true }, strict: { create: () => refuse(bad) } },
      sinks: {
        raw: {
          from: ['source'],
          create: () => memorySink(stores.raw, { onWrite: (ids) => void (writes['raw']! += ids.length) }),
        },
        halves: {
          create: () => memorySink(stores.halves, { onWrite: (ids) => void (writes['halves']! += ids.length) }),
        },
      },
      deadLetter: () => memorySink(stores.dead),
    })
    const workspace = { root: home, home, secrets: () => undefined }
    const broken = testPipeline(pipeline(7))
    await run(broken.plan, broken.registry, workspace)
    expect([stores.raw.size, stores.halves.size, stores.dead.size]).toEqual([19, 37, 2])
    const letters = [...stores.dead.values()] as unknown as Letter[]
    expect(letters.map((l) => l.id)).toEqual(['test/source/memory@3', 'test/source/memory@7#twice.1'])

    Object.assign(writes, { raw: 0, halves: 0 })
    const still = await replay(broken.plan, broken.registry, letters, workspace)
    expect(still).toMatchObject({
      letters: 2,
      replayed: 1,
      failedAgain: [{ id: 'test/source/memory@7#twice.1', step: 'strict', code: 'refused' }],
    })
    const mended = testPipeline(pipeline(-1))
    const plan = { ...mended.plan, specHash: 'mended' }
    expect(await replay(plan, mended.registry, letters, workspace)).toMatchObject({
      letters: 2,
      replayed: 1,
      skipped: 1,
      failedAgain: [],
    })
    expect([stores.raw.size, stores.halves.size]).toEqual([20, 40])
    expect(writes).toEqual({ raw: 1, halves: 3 })
    expect(stores.halves.get('test/source/memory@7#twice.1')).toEqual({ n: 7, half: 1 })
    expect(await replay(plan, mended.registry, letters, workspace)).toMatchObject({ replayed: 0, skipped: 2 })
    expect(writes).toEqual({ raw: 1, halves: 3 })
  })

  /** Lines that appear once per stage, as files do; what is in `lines` survives a kill. */
  const appending = (lines: Row[]): Sink => {
    let pending: Row[] = []
    return {
      write(records) {
        if (isDead) throw new Error('dead')
        pending.push(...records.rows)
      },
      async flush() {
        const stages = pending.length > 0 ? [{ id: randomUUID(), rows: JSON.parse(JSON.stringify(pending)) }] : []
        pending = []
        return { stages }
      },
      async publish(stage) {
        if (isDead) throw new Error('dead')
        const { id, rows } = stage as unknown as { id: string; rows: Row[] }
        if (shown.has(id)) return
        shown.add(id)
        lines.push(...rows)
      },
    }
  }
  const shown = new Set<string>()
  let isDead = false

  it.each(crashPoints.filter((point) => !/begin|end|commit_action|after_read/.test(point)))(
    'duplicates and loses nothing when it is killed at %s and repeated',
    async (point) => {
      const lines: Row[] = []
      const dead = new Map<string, Row>()
      const pipeline = (isBad: boolean): TestPipeline => ({
        runs: 'continue',
        onError: 'dead_letter',
        sources: { source: () => memorySource(rows(20)) },
        steps: { strict: { create: () => failing((n) => isBad && n % 4 === 1) } },
        sinks: { out: { create: () => appending(lines) } },
        deadLetter: () => memorySink(dead),
      })
      const workspace = { root: home, home, secrets: () => undefined }
      const broken = testPipeline(pipeline(true))
      isDead = false
      await run(broken.plan, broken.registry, workspace)
      expect([lines.length, dead.size]).toEqual([15, 5])
      const letters = [...dead.values()] as unknown as Letter[]
      const mended = testPipeline(pipeline(false))
      onCrashPoint((at) => {
        if (at !== point || isDead) return
        isDead = true
        throw new Error('killed')
      })
      const first = await replay(mended.plan, mended.registry, letters, workspace).catch(() => undefined)
      onCrashPoint(undefined)
      // Recording the work at the end of the replay comes after anything that could be duplicated.
      if (point !== 'before_mark_done') expect(first).toBeUndefined()
      isDead = false
      const again = await replay(mended.plan, mended.registry, letters, workspace)
      expect(again.replayed + again.skipped).toBe(5)
      expect(lines.map((row) => row['n'] as number).sort((a, b) => a - b)).toEqual(rows(20).map((row) => row['n']))
      expect(await replay(mended.plan, mended.registry, letters, workspace)).toMatchObject({ replayed: 0, skipped: 5 })
    },
  )

  it('is done by the process that runs the pipeline, alongside its own sources, and refused for another spec', async () => {
    const got = new Map<string, Row>()
    const dead = new Map<string, Row>()
    let isBad = true
    const stop = new AbortController()
    const pipeline: TestPipeline = {
      runs: 'continue',
      onError: 'dead_letter',
      sources: {
        source: () => ({
          async *read({ signal }) {
            yield { ...batch({ split: 's', rows: rows(8), position: 8 }), caughtUp: true }
            while (!signal.aborted) {
              yield { caughtUp: ['s'] }
              await sleep(10)
            }
          },
        }),
      },
      steps: { strict: { create: () => failing((n) => isBad && n < 3) } },
      sinks: { out: { create: () => memorySink(got) } },
      deadLetter: () => memorySink(dead),
    }
    const { plan, registry } = testPipeline(pipeline)
    const workspace = { root: home, home, secrets: () => undefined }
    const running = run(plan, registry, { ...workspace, signal: stop.signal })
    while (dead.size < 3) await sleep(10)
    const letters = [...dead.values()] as unknown as Letter[]
    expect(await replay(plan, registry, letters, workspace)).toMatchObject({
      byRunning: true,
      replayed: 0,
      failedAgain: { length: 3 },
    })
    isBad = false
    await dismiss(plan, [{ id: letters[0]!.id, node: 'strict' }], workspace)
    await expect(replay({ ...plan, specHash: 'other' }, registry, letters, workspace)).rejects.toMatchObject({
      code: 'other_spec_running',
    })
    expect(await replay(plan, registry, letters, workspace)).toMatchObject({ byRunning: true, replayed: 2, skipped: 1 })
    expect([...got.values()].map((row) => row['n'])).toEqual([3, 4, 5, 6, 7, 1, 2])
    stop.abort()
    const summary = await running
    expect(summary.imbalances).toEqual([])
    expect(summary.counters[0]!.sinks['out']).toMatchObject({ in: 7, delivered: 7 })
    expect(summary.counters[0]!.steps['strict']).toMatchObject({ replayed: 5, failed: 6, refused: 3 })
  })

  it('restores the record as it was, including key and times, and reports when it no longer reaches its place', async () => {
    const seen: { key: WireText | undefined; arrival: number | undefined; time: number | undefined; row: Row }[] = []
    const dead = new Map<string, Row>()
    const pipeline = (isBad: boolean, split: string): TestPipeline => ({
      runs: 'continue',
      onError: 'dead_letter',
      sources: {
        source: {
          create: () => ({
            async *read({ resume }) {
              if (resume('s') !== undefined) return
              yield batch({
                split: 's',
                rows: [{ at: 1_700_000_000_000 }, { at: 5 }],
                position: 2,
                keys: ['k1', 'k2'],
                arrivals: Float64Array.of(10, 20),
                times: Float64Array.of(1000, 2000),
              })
            },
          }),
          eventTime: { field: 'at', zone: 'UTC', maxOutOfOrderMs: 0 },
        },
      },
      steps: {
        [split]: { create: twice, multiplies: true },
        strict: { create: () => failing((n) => isBad && n === undefined) },
      },
      sinks: {
        out: {
          create: () => ({
            write(records) {
              for (const [i, row] of records.rows.entries())
                seen.push({ key: records.key(i), arrival: records.arrival(i), time: records.time(i), row })
            },
          }),
        },
      },
      deadLetter: () => memorySink(dead),
    })
    const workspace = { root: home, home, secrets: () => undefined }
    const broken = testPipeline(pipeline(true, 'twice'))
    await run(broken.plan, broken.registry, workspace)
    const letters = [...dead.values()] as unknown as Letter[]
    expect([seen.length, letters.length]).toEqual([0, 4])
    // Under a different name of the step that makes two of one, the pieces have different ids.
    const renamed = testPipeline(pipeline(false, 'double'))
    const lost = await replay(renamed.plan, renamed.registry, letters, workspace)
    expect([lost.replayed, lost.failedAgain.map(({ code }) => code)]).toEqual([0, Array(4).fill('not_reached')])
    const mended = testPipeline(pipeline(false, 'twice'))
    expect(await replay(mended.plan, mended.registry, letters, workspace)).toMatchObject({ replayed: 4 })
    expect(seen).toEqual(
      [
        ['k1', 10, 1000, 1_700_000_000_000],
        ['k2', 20, 2000, 5],
      ].flatMap(([key, arrival, time, at]) => [0, 1].map((half) => ({ key, arrival, time, row: { at, half } }))),
    )
  })
})
