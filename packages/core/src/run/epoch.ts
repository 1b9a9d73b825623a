/**
 * The end of an epoch: flush -> save -> publish -> commit (invariants 2 and 3).
 *
 * A cut is taken synchronously by the transforms' side: what is in it (positions, encoded state changes, counters) is as of one moment. It then travels through
 * the queue of every sink. When the writers of all sinks have come to it, everything before it is written (invariant 1); the dead letter's writer comes last, since the
 * other writers feed it. Then the sinks are flushed, and one transaction makes the epoch true.
 */
import { crashPoint } from '../crash.ts'
import type { Done } from '../connector.ts'
import type { Json } from '../record.ts'
import type { Save, Store } from '../store.ts'
import { doneOf, type Request } from './answers.ts'
import type { SinkNode, SourceNode } from './graph.ts'

/** The moment between two epochs. */
export interface Cut {
  readonly epoch: number
  /** Every open file is to be closed and handed out. */
  readonly roll: boolean
  /** The input has ended. */
  readonly end: boolean
  readonly positions: Save['positions']
  readonly memory: Save['memory']
  readonly changes: Save['changes']
  /** Requests to be answered when the epoch is saved. */
  readonly requests: readonly Request[]
  /** Of sources and steps, as of the cut. */
  readonly counters: Readonly<Record<string, Json>>
  /** Writers that have not come to it yet. */
  waiting: number
  /** Settles when the epoch is saved, published and committed. */
  readonly done: Promise<void>
  finish(): void
}

export interface EpochContext {
  readonly store: Store
  readonly sources: readonly SourceNode[]
  /** All sinks, the dead letter included. */
  readonly sinks: readonly SinkNode[]
  readonly signal: AbortSignal
  /** Ids of stages that are published but not yet recorded so. */
  readonly published: number[]
  publish(node: SinkNode, stage: Json): Promise<void>
  reportFailed(source: string, error: Error): void
}

/** Runs the end of an epoch. Every writer waits meanwhile. */
export async function finishEpoch(cut: Cut, ctx: EpochContext): Promise<void> {
  const { store, sinks, signal } = ctx
  crashPoint('before_flush')
  const resumes: { sink: string; resume: Json }[] = []
  const stages: { sink: string; stage: Json }[] = []
  await Promise.all(
    sinks.map(async ({ id, sink, capabilities }) => {
      const roll = cut.roll || cut.end || sink.full?.() === true
      if (!sink.flush || (capabilities.checkpointsOnRoll && !roll)) return
      const flushed = await sink.flush({ signal, epoch: cut.epoch, roll, end: cut.end })
      if (flushed.resume !== undefined) resumes.push({ sink: id, resume: flushed.resume })
      for (const stage of flushed.stages ?? []) stages.push({ sink: id, stage })
    }),
  )
  crashPoint('after_flush')
  // All writers stand at the cut: what came before it is delivered or failed, and nothing that came after it is.
  const atSinks = Object.fromEntries(
    sinks.map(({ count, id }) => [id, { ...count, in: count.delivered + count.failed }]),
  )
  const answered = ctx.sources.map(({ id }) => cut.requests.filter((r) => r.source === id).map(doneOf))
  const answers = ctx.sources.flatMap(({ id, source }, k) =>
    (source.remember?.(answered[k]!) ?? []).map(([key, value]) => ({ source: id, key, value })),
  )
  const ids = store.save({
    epoch: cut.epoch,
    counters: { ...cut.counters, ...atSinks },
    positions: cut.positions,
    memory: answers.length ? [...cut.memory, ...answers] : cut.memory,
    changes: cut.changes,
    resumes,
    stages,
    published: ctx.published.splice(0),
  })
  for (const [k, { sink, stage }] of stages.entries()) {
    const node = sinks.find((s) => s.id === sink)!
    crashPoint('before_publish')
    await ctx.publish(node, stage)
    crashPoint('after_publish')
    ctx.published.push(ids[k]!)
  }
  await commit(cut, answered, ctx)
  crashPoint('after_commit')
}

/** Tells the sources what is durable. A duty must be done; a report may fail and is counted. */
async function commit(cut: Cut, answered: readonly (readonly Done[])[], ctx: EpochContext): Promise<void> {
  for (const [k, { id, source, capabilities }] of ctx.sources.entries()) {
    if (!source.commit) continue
    const done: Done[] = capabilities.answers
      ? [...answered[k]!]
      : cut.positions
          .filter((p) => p.source === id)
          .map(({ split, position }) => (position === undefined ? { split } : { split, position }))
    if (done.length === 0) continue
    try {
      await source.commit(done, { signal: ctx.signal })
    } catch (error) {
      if (capabilities.commit === 'duty') throw error
      ctx.reportFailed(id, error as Error)
    }
  }
}
