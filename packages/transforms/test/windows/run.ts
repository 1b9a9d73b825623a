/** Runs a case through the engine, in lives that end at crash points. */
import { type Json, onCrashPoint, type Row, run, type Sink } from '@millrace/core'
import { testPipeline } from '@millrace/core/testing'
import { testClock } from '../../../core/test/time/clock.ts'
import { type Beat, lanesSource } from '../../../core/test/time/lanes-source.ts'
import { aggregate } from '../../src/aggregate/index.ts'
import { recordType } from '../step.ts'
import { random, type WindowCase } from './cases.ts'

export interface Found {
  /** By record id. */
  readonly documents: Map<string, Row>
  /** Results in the order in which they were published, once per stage. */
  readonly published: Row[]
  readonly late: Row[]
  killed: number
}

class Killed extends Error {}

/** Kills the first life when it passes `point` for the `time`-th time. */
export interface Kill {
  readonly point: string
  readonly time: number
}

export async function runCase(each: WindowCase, home: string, kills: readonly Kill[]): Promise<Found> {
  const found: Found = { documents: new Map(), published: [], late: [], killed: 0 }
  const known = new Set<string>()
  let isDead = false
  const appending = (into: Row[], name: string): Sink => {
    let pending: Row[] = []
    return {
      write(records) {
        if (isDead) throw new Killed()
        pending.push(...records.rows)
      },
      async flush({ epoch }) {
        const stages = pending.length > 0 ? [{ epoch, rows: pending } as unknown as Json] : []
        pending = []
        return { stages }
      },
      async publish(stage) {
        if (isDead) throw new Killed()
        const { epoch, rows } = stage as unknown as { epoch: number; rows: Row[] }
        if (known.has(`${name} ${epoch}`)) return
        known.add(`${name} ${epoch}`)
        into.push(...rows)
      },
    }
  }
  const options = {
    by: ['g'],
    outputs: { n: 'count()', sum: 'sum(v)', first: 'first(v)', last: 'last(v)' },
    max_groups: 1_000_000,
    emit: each.emit,
    window: { zone: 'UTC', offset: 0, allowed_lateness: 0, shape: 'fields', late: 'late', ...each.window },
  } as never
  const input = recordType({ id: 'string', time: 'integer', g: 'string', v: 'integer' })
  const times = { events: { maxOutOfOrderMs: each.maxOutOfOrder } }
  for (let life = 0; life <= kills.length; life++) {
    const clock = testClock(life * 1_000_000)
    const beats = script(each, life)
    const { plan, registry } = testPipeline({
      sources: {
        events: {
          create: () => lanesSource(each.lanes as never, beats, clock),
          eventTime: { field: 'time', zone: 'UTC', maxOutOfOrderMs: each.maxOutOfOrder },
        },
      },
      steps: {
        windows: {
          create: () => aggregate.create(options, { ...env, input, sideInputs: {}, times } as never),
          stateful: true,
          counts: true,
          sideOutputs: ['late'],
        },
      },
      sinks: {
        documents: {
          from: ['windows'],
          create: () => ({
            write(records) {
              if (isDead) throw new Killed()
              for (const [i, id] of records.ids().entries()) found.documents.set(id, records.rows[i]!)
            },
          }),
        },
        published: { from: ['windows'], create: () => appending(found.published, 'published') },
        late: { from: ['late'], create: () => appending(found.late, 'late') },
      },
    })
    isDead = false
    const kill = kills[life]
    let left = kill?.time ?? 0
    onCrashPoint((point) => {
      if (isDead || point !== kill?.point || --left > 0) return
      isDead = true
      throw new Killed()
    })
    try {
      const bounds = { minRecords: 9, minMs: 1_000_000, aheadRows: 8, tickMs: 1000 }
      const summary = await run(plan, registry, { root: home, home, secrets: () => undefined, clock, bounds })
      if (summary.imbalances.length > 0) throw new Error(summary.imbalances.join())
      return found
    } catch (error) {
      if (!isDead) throw error
      found.killed++
      // All was done: another start would be another run.
      if (kill?.point === 'after_end') return found
    } finally {
      onCrashPoint(undefined)
    }
  }
  throw new Error('it did not end')
}

const env = { root: '/', home: '/', profile: 'local', pipeline: 'test', id: 'windows', resolve: (path: string) => path }

/** Lanes take turns at random. */
function script({ lanes, seed }: WindowCase, life: number): Beat[] {
  const next = random(seed * 31 + life)
  const names = Object.keys(lanes)
  return Array.from({ length: 60 }, (): Beat => {
    const split = names[Math.floor(next() * names.length)]!
    return { split, n: 1 + Math.floor(next() * 5) }
  })
}
