/** Runs a case through the engine: in one process, or in two, of which the first is killed. */
import { type Json, onCrashPoint, type Row, run, type Sink } from '@millrace/core'
import { testPipeline } from '@millrace/core/testing'
import { testClock } from '../../../core/test/time/clock.ts'
import { aggregate } from '../../src/aggregate/index.ts'
import { recordType } from '../step.ts'
import { type Beat, random, type WindowCase } from './cases.ts'
import { lanesSource, type Telling } from './source.ts'

export interface Found {
  /** By record id. */
  readonly documents: Map<string, Row>
  /** Results in the order in which they were published, once per stage. */
  readonly published: Row[]
  readonly late: Row[]
  /** Ids of the records in the dead letter. */
  readonly ahead: Set<string>
  /** Records and results in the order in which the first process handed them on. */
  readonly seen: Row[]
  /** Ids of late records that it wrote. */
  readonly lateSeen: Set<string>
  /** What each process was told. */
  readonly lives: Telling[]
  killed: boolean
  /** How many epochs the first process saved. */
  epochs: number
}

class Killed extends Error {}

/** Kills the first process when it passes `point` for the `time`-th time. */
export interface Kill {
  readonly point: string
  readonly time: number
}

export async function runCase(each: WindowCase, home: string, kill: Kill | undefined): Promise<Found> {
  const found: Found = {
    documents: new Map(),
    published: [],
    late: [],
    ahead: new Set(),
    seen: [],
    lateSeen: new Set(),
    lives: [],
    killed: false,
    epochs: 0,
  }
  const come = new Map<string, number>()
  for (let life = 0; life < 2; life++) {
    const telling = { said: [], come, from: new Map<string, number>() }
    found.lives.push(telling)
    let isDead = false
    let left = life === 0 ? (kill?.time ?? 0) : 0
    onCrashPoint((point) => {
      if (life === 0 && point === 'after_save' && !isDead) found.epochs++
      if (isDead || point !== kill?.point || left === 0 || --left > 0) return
      isDead = true
      throw new Killed()
    })
    const clock = testClock(life * 1_000_000)
    const { plan, registry } = pipelineOf(each, life, clock, telling, found, () => {
      if (isDead) throw new Killed()
    })
    // Where the clock decides, nothing but the script makes it wait.
    const aheadRows = each.idleAfter === undefined ? 8 : 10_000
    const tickMs = each.idleAfter === undefined ? 1000 : 1
    try {
      const bounds = { minRecords: 9, minMs: 1_000_000, aheadRows, tickMs }
      const summary = await run(plan, registry, { root: home, home, secrets: () => undefined, clock, bounds })
      if (summary.imbalances.length > 0) throw new Error(summary.imbalances.join())
      return found
    } catch (error) {
      if (!isDead) throw error
      found.killed = true
    } finally {
      onCrashPoint(undefined)
    }
  }
  throw new Error('it did not end')
}

const env = { root: '/', home: '/', profile: 'local', pipeline: 'test', id: 'windows', resolve: (path: string) => path }
const input = recordType({ id: 'string', time: 'timestamp', g: 'string', v: 'integer' })

function pipelineOf(
  each: WindowCase,
  life: number,
  clock: ReturnType<typeof testClock>,
  telling: Telling,
  found: Found,
  alive: () => void,
) {
  const { idleAfter, maxFuture } = each
  const options = {
    by: ['g'],
    outputs: { n: 'count()', sum: 'sum(v)', first: 'first(v)', last: 'last(v)' },
    max_groups: 1_000_000,
    emit: each.emit,
    window: { zone: 'UTC', offset: 0, allowed_lateness: 0, shape: 'fields', late: 'late', ...each.window },
  } as never
  const eventTime = {
    field: 'time',
    zone: 'UTC',
    maxOutOfOrderMs: each.maxOutOfOrder,
    ...(idleAfter === undefined ? {} : { idleAfterMs: idleAfter }),
    ...(maxFuture === undefined ? {} : { maxFutureMs: maxFuture }),
  }
  const next = random(each.seed * 31 + life)
  const script = life === 0 ? each.script : anyScript(each, next)
  return testPipeline({
    onError: 'dead_letter',
    sources: { events: { schema: input, eventTime, create: () => lanesSource(each, script, clock, telling, next) } },
    steps: {
      windows: {
        create: () =>
          aggregate.create(options, { ...env, input, sideInputs: {}, times: { events: eventTime } } as never),
        stateful: true,
        counts: true,
        ordered: each.idleAfter !== undefined,
        sideOutputs: ['late'],
      },
    },
    sinks: {
      documents: {
        from: ['windows'],
        create: () => ({
          write(records) {
            alive()
            for (const [i, id] of records.ids().entries()) found.documents.set(id, records.rows[i]!)
          },
        }),
      },
      seen: {
        from: ['events', 'windows'],
        create: () => ({
          write({ rows }) {
            alive()
            if (life === 0) found.seen.push(...rows)
          },
        }),
      },
      published: { from: ['windows'], create: () => appending(found.published, alive) },
      late: {
        from: ['late'],
        create: () => {
          const sink = appending(found.late, alive)
          return {
            ...sink,
            write(records, ctx) {
              alive()
              if (life === 0) for (const { id } of records.rows) found.lateSeen.add(String(id))
              return sink.write(records, ctx)
            },
          }
        },
      },
    },
    deadLetter: () => ({
      write({ rows }) {
        alive()
        for (const { bytes } of rows)
          found.ahead.add((JSON.parse(Buffer.from(String(bytes), 'base64').toString()) as { id: string }).id)
      },
    }),
  })
}

/** Appends what was flushed when it is published, once per stage, as files do. */
function appending(into: Row[], alive: () => void): Sink {
  let pending: Row[] = []
  return {
    write(records) {
      alive()
      pending.push(...records.rows)
    },
    async flush({ epoch }) {
      const stages = pending.length > 0 ? [{ epoch, rows: pending } as unknown as Json] : []
      pending = []
      return { stages }
    },
    async publish(stage) {
      alive()
      const { epoch, rows } = stage as unknown as { epoch: number; rows: Row[] }
      const known = publishedOf(into)
      if (known.has(epoch)) return
      known.add(epoch)
      into.push(...rows)
    },
  }
}

const published = new WeakMap<Row[], Set<number>>()
function publishedOf(into: Row[]): Set<number> {
  const known = published.get(into) ?? new Set()
  published.set(into, known)
  return known
}

/** Lanes take turns at random. */
function anyScript({ lanes, idleAfter }: WindowCase, next: () => number): Beat[] {
  const names = Object.keys(lanes)
  return Array.from({ length: 40 }, (): Beat[] => {
    if (idleAfter !== undefined && next() < 0.25)
      return [{ caughtUp: names.filter(() => next() < 0.6) }, { passMs: 1 + Math.floor(next() * (idleAfter + 2)) }]
    return [{ lane: names[Math.floor(next() * names.length)]!, n: 1 + Math.floor(next() * 5) }]
  }).flat()
}
