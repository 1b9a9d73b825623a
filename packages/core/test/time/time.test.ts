/**
 * What event time builds on, proved with the smallest steps that need it: lanes, late records, idle lanes, timers,
 * named inputs, splits that are held back, and the order of an epoch. Each run is killed at every crash point, and
 * resumes with its lanes read in a different order; its output is compared with a model that shares no code with the
 * engine.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sink } from '../../src/connector/index.ts'
import { crashPoints, onCrashPoint } from '../../src/crash.ts'
import type { Row } from '../../src/record/index.ts'
import { run } from '../../src/run/index.ts'
import { type TestPipeline, testPipeline } from '../../src/testing.ts'
import { testClock } from './clock.ts'
import { type Beat, lanesSource, type Timed } from './lanes-source.ts'
import { intervalJoin, tickingCount, tumblingCount } from './steps.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-time-'))
})
afterEach(() => {
  onCrashPoint(undefined)
  rmSync(home, { recursive: true, force: true })
})

/** A sequence of numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed * 2654435761 + 1
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** Documents by id, each that was ever seen, and records in the order in which they came; all outlive a killed run. */
const outputs = () => ({
  byId: new Map<string, Row>(),
  seen: [] as Row[],
  added: [] as Row[],
  addedOrLost: [] as Row[],
})
type Outputs = ReturnType<typeof outputs>

/** Killed: nothing is written any more, whatever still tries to. */
class Killed extends Error {}
let isDead = false

const keyed = (out: Outputs): Sink => ({
  write(records) {
    if (isDead) throw new Killed()
    for (const [i, id] of records.ids().entries()) out.byId.set(id, records.rows[i]!)
    out.seen.push(...records.rows)
  },
})
/** Appends what was flushed when it is published, once per stage, as files do. */
function appending(out: Outputs): Sink {
  let pending: Row[] = []
  return {
    write(records) {
      if (isDead) throw new Killed()
      pending.push(...records.rows)
      out.addedOrLost.push(...records.rows)
    },
    async flush() {
      const stages = pending.length ? [JSON.parse(JSON.stringify(pending))] : []
      pending = []
      return { stages }
    },
    async publish(stage) {
      if (isDead) throw new Killed()
      const rows = stage as unknown as Row[]
      const known = new Set(out.added.map((row) => JSON.stringify(row)))
      for (const row of rows) if (!known.has(JSON.stringify(row))) out.added.push(row)
    },
  }
}

const bounds = { minRecords: 7, minMs: 5, aheadRows: 6, tickMs: 2 }

/** Runs to the end, but is killed first when a point is passed for the `time`-th time. Returns whether it was. */
async function runKilled(
  pipeline: (life: number, clock: ReturnType<typeof testClock>) => TestPipeline,
  kill: { readonly point: string; readonly time: number } | undefined,
): Promise<boolean> {
  let isKilled = false
  for (let life = 0; life < 2; life++) {
    const clock = testClock(life * 1_000_000)
    const { plan, registry } = testPipeline(pipeline(life, clock))
    let left = kill?.time ?? 0
    isDead = false
    onCrashPoint((point) => {
      if (isDead || life > 0 || point !== kill?.point || --left > 0) return
      isDead = isKilled = true
      throw new Killed()
    })
    try {
      const summary = await run(plan, registry, { root: home, home, secrets: () => undefined, clock, bounds })
      expect(summary.imbalances).toEqual([])
      return isKilled
    } catch (error) {
      if (!isDead) throw error
      // All was done: another start would be another run.
      if (kill?.point === 'after_end') return true
    }
  }
  throw new Error('it did not end')
}

const ooo = 20
const windows = { size: 50, allowed: 30, maxOutOfOrder: ooo }

/** Records of three splits, mostly in order, some far too late. */
function splitsOf(seed: number): Record<string, Timed[]> {
  const next = random(seed)
  return Object.fromEntries(
    ['0', '1', 'b'].map((split) => {
      let time = Math.floor(next() * 30)
      const rows = Array.from({ length: 40 }, (_, i) => {
        time += Math.floor(next() * 12)
        const late = next() < 0.15 ? Math.floor(next() * 160) : Math.floor(next() * ooo)
        return { id: `${split}-${i}`, time: Math.max(0, time - late) }
      })
      return [split, rows]
    }),
  )
}

/** A script in which splits take turns at random, and sometimes one has nothing and time passes. */
function scriptOf(seed: number, withIdle: boolean): Beat[] {
  const next = random(seed)
  return Array.from({ length: 50 }, (): Beat[] => {
    const split = ['0', '1', 'b'][Math.floor(next() * 3)]!
    if (withIdle && next() < 0.2) return [{ caughtUp: [split] }, { passMs: 1 + Math.floor(next() * 30) }]
    return [{ split, n: 1 + Math.floor(next() * 5) }, { passMs: Math.floor(next() * 3) }]
  }).flat()
}

/** Which records are late for their window by their own lane's rule, and what each window holds. */
function model(splits: Readonly<Record<string, readonly Timed[]>>) {
  const counted = new Map<number, string[]>()
  const late: string[] = []
  for (const rows of Object.values(splits)) {
    let high = Number.NEGATIVE_INFINITY
    for (const { id, time } of rows) {
      const start = Math.floor(time / windows.size) * windows.size
      if (start + windows.size + windows.allowed <= high - ooo) late.push(id)
      else counted.set(start, [...(counted.get(start) ?? []), id])
      high = Math.max(high, time)
    }
  }
  return { counted, late: late.sort() }
}

const windowsFrom = (out: Outputs): Map<number, string[]> =>
  new Map([...out.byId.values()].map((row) => [row['start'] as number, String(row['ids']).split(',')]))
const sortedIds = (rows: readonly Row[]): string[] => rows.map((row) => String(row['id'])).sort()

/** Each crash point, at an early and a late passing. */
const kills = crashPoints.flatMap((point) => [1, 4].map((time) => ({ point, time })))

describe('windows over several lanes', () => {
  const counting =
    (seed: number, out: Outputs, idleAfterMs?: number, come = new Map<string, number>()) =>
    (life: number, clock: ReturnType<typeof testClock>): TestPipeline => ({
      sources: {
        events: {
          create: () =>
            lanesSource(splitsOf(seed), scriptOf(seed * 10 + life, idleAfterMs !== undefined), clock, undefined, come),
          eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: ooo, ...(idleAfterMs ? { idleAfterMs } : {}) },
        },
      },
      steps: {
        counts: {
          create: () => tumblingCount(windows),
          stateful: true,
          counts: true,
          ordered: idleAfterMs !== undefined,
          sideOutputs: ['late'],
        },
      },
      sinks: {
        windows: { from: ['counts'], create: () => keyed(out) },
        late: { from: ['late'], create: () => appending(out) },
      },
    })

  it.each(kills)('hold what the model holds, including late records, killed at $point:$time', async (kill) => {
    const out = outputs()
    const seed = kill.point.length + kill.time
    await runKilled(counting(seed, out), kill)
    const { counted, late } = model(splitsOf(seed))
    expect(sortedIds(out.added)).toEqual(late)
    const found = windowsFrom(out)
    expect([...found.keys()].sort((a, b) => a - b)).toEqual([...counted.keys()].sort((a, b) => a - b))
    for (const [start, ids] of counted) expect(found.get(start), `window ${start}`).toEqual(ids.sort())
  })

  it.each(kills)(
    'count each record once or say that it is late, where lanes are idle, killed at $point:$time',
    async (kill) => {
      // Only some of them have a lane that comes back after the kill.
      for (let k = 0; k < 6; k++) {
        const out = outputs()
        const seed = kill.point.length * 3 + kill.time + 40 * k
        rmSync(join(home, 'test'), { recursive: true, force: true })
        await runKilled(counting(seed, out, 15), kill)
        const all = Object.values(splitsOf(seed))
          .flat()
          .map(({ id }) => id)
          .sort()
        const counted = [...windowsFrom(out).values()].flat()
        expect([...counted, ...sortedIds(out.added)].sort()).toEqual(all)
        // Nothing that a reader saw in a window is taken back.
        const found = windowsFrom(out)
        for (const row of out.seen)
          expect(found.get(row['start'] as number)).toEqual(expect.arrayContaining(String(row['ids']).split(',')))
        expect(sortedIds(out.added)).toEqual([...new Set(sortedIds(out.addedOrLost))])
        // A lane that came back finds windows closed that by its own rule it would not be late for.
        expect(sortedIds(out.added)).toEqual(expect.arrayContaining(model(splitsOf(seed)).late))
      }
    },
  )

  it('reaches every crash point, and does find windows closed by an idle lane', async () => {
    let early = 0
    for (let seed = 1; seed <= 12; seed++) {
      const out = outputs()
      rmSync(join(home, 'test'), { recursive: true, force: true })
      await runKilled(counting(seed, out, 15), undefined)
      if (out.added.length > model(splitsOf(seed)).late.length) early++
    }
    expect(early).toBeGreaterThan(0)
    const missed: string[] = []
    for (const point of crashPoints) {
      rmSync(join(home, 'test'), { recursive: true, force: true })
      if (!(await runKilled(counting(5, outputs()), { point, time: 1 }))) missed.push(point)
    }
    // It has no commit action, and records nothing at its start.
    expect(missed).toEqual(['after_commit_action', 'before_mark_done'])
  })
})

describe('a join of two streams', () => {
  const side = (seed: number, tag: string): Record<string, Timed[]> =>
    Object.fromEntries(
      Object.entries(splitsOf(seed)).map(([split, rows]) => {
        let high = 0
        const inTime = rows.map(({ id, time }) => {
          high = Math.max(high, time)
          return { id: `${tag}${id}`, time: Math.max(time, high - ooo) }
        })
        return [split, inTime]
      }),
    )

  it.each(kills)('emits every pair once, killed at $point:$time', async (kill) => {
    const out = outputs()
    const seed = kill.point.length + kill.time
    const [left, right] = [side(seed, 'l'), side(seed + 100, 'r')]
    const eventTime = { field: 'time', zone: 'UTC', maxOutOfOrderMs: ooo }
    await runKilled(
      (life, clock) => ({
        sources: {
          lefts: { create: () => lanesSource(left, scriptOf(seed + life, false), clock), eventTime },
          rights: { create: () => lanesSource(right, scriptOf(seed + life + 7, false), clock), eventTime },
        },
        steps: {
          pairs: {
            from: ['lefts', 'rights'],
            inputs: { lefts: 'left', rights: 'right' },
            create: () => intervalJoin(25),
            stateful: true,
            counts: true,
            ordered: true,
          },
        },
        sinks: { all: { create: () => keyed(out) } },
      }),
      kill,
    )
    const pairs = Object.values(left)
      .flat()
      .flatMap((l) =>
        Object.values(right)
          .flat()
          .flatMap((r) => (Math.abs(l.time - r.time) <= 25 ? [`${l.id} ${r.id}`] : [])),
      )
    const found = [...out.byId.values()].map((row) => `${String(row['left'])} ${String(row['right'])}`)
    expect(found.sort()).toEqual(pairs.sort())
  })
})

describe('timers and splits that are held back', () => {
  it.each(kills)('a step is notified of its time though nothing arrives, killed at $point:$time', async (kill) => {
    const out = outputs()
    const rows = splitsOf(kill.point.length)
    const come = new Map<string, number>()
    await runKilled(
      (life, clock) => ({
        sources: { events: { create: () => lanesSource(rows, scriptOf(life, true), clock, undefined, come) } },
        steps: { ticks: { create: () => tickingCount(20), stateful: true, ordered: true } },
        sinks: { all: { create: () => keyed(out) } },
      }),
      kill,
    )
    const all = Object.values(rows).flat()
    expect(out.byId.get('test/ticks/["count"]')).toEqual({ n: all.length })
    expect(out.byId.size).toBe(all.length + 1)
  })

  it('holds back a lane that runs ahead until the others have caught up, and ends though one is empty', async () => {
    const out = outputs()
    const far = Array.from({ length: 30 }, (_, i) => ({ id: `far-${i}`, time: i * 100 }))
    const near = Array.from({ length: 30 }, (_, i) => ({ id: `near-${i}`, time: i * 20 }))
    const script = Array.from({ length: 200 }, (_, i): Beat => ({ split: i % 5 === 4 ? '1' : '0', n: 1 }))
    const held: string[] = []
    let widest = 0
    const seen = { far: 0, near: 0 }
    await runKilled(
      (_life, clock) => ({
        sources: {
          events: {
            create: () =>
              lanesSource(
                { 0: far, 1: near, 2: [] },
                [{ caughtUp: ['2'] }, ...script],
                clock,
                (split) => void held.push(split),
              ),
            eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: ooo, maxSkewMs: 200 },
          },
        },
        steps: {
          look: {
            create: () => ({
              apply({ rows }) {
                for (const { id, time } of rows as readonly Timed[]) seen[id.startsWith('far') ? 'far' : 'near'] = time
                if (seen.near < 580) widest = Math.max(widest, seen.far - seen.near)
                return { rows }
              },
            }),
          },
        },
        sinks: { all: { create: () => keyed(out) } },
      }),
      undefined,
    )
    expect(out.byId.size).toBe(60)
    expect(held).toContain('0')
    expect(widest).toBeLessThanOrEqual(300)
  })
})
