/**
 * The cuts between epochs: when one is due, how it is made, and its way through the queues until its epoch is saved.
 *
 * An epoch is cut when the one before it is saved and published, and either every source has nothing more at hand, or 10,000 records or 100 ms have passed; with a
 * sink that can resume only at a roll, when that sink's bound is reached. The cut is synchronous: positions, the encoded changes of state, and counters are as of
 * one moment. It then passes the queue of every sink, that of the dead letter last, since the other writers feed it; when all writers have come to it, what came
 * before it is taken (invariant 1), and epoch.ts does the rest.
 */
import type { Json } from '../record.ts'
import type { Component, ComponentOptions, defaultBounds } from './component.ts'
import { snapshot } from './counters.ts'
import { type Cut, type EpochContext, finishEpoch } from './epoch.ts'
import type { Filling } from './filling.ts'
import type { SinkNode } from './graph.ts'
import { asRunError, withRetry } from './retry.ts'

export interface Cuts {
  /** The epoch that is being written. */
  readonly writing: number
  /** No cut is on its way. */
  readonly settled: boolean
  /** A cut has not come to the dead letter's queue yet. */
  readonly beforeDeadLetter: boolean
  /** Cuts the epoch being filled, now. */
  cut(how: { readonly end: boolean; readonly roll: boolean }): Cut
  /** Cuts it if it is time to. */
  cutIfDue(): void
  /** The writer of a sink has come to a cut. */
  arrived(node: SinkNode, cut: Cut): void
  /** The run has failed: no writer is kept waiting. */
  abandon(): void
  /** Stages that are published but not yet recorded so. */
  readonly published: number[]
  reportFailed(source: string, error: Error): void
}

/** What the cuts need of the component that runs. */
export interface CutsContext extends Pick<ComponentOptions, 'store' | 'abort' | 'observe' | 'retry'> {
  readonly bounds: typeof defaultBounds
  readonly filling: Filling
  /** All sinks, the dead letter included. */
  readonly sinks: readonly SinkNode[]
  failed(): boolean
  fail(error: unknown): void
  /** An epoch was saved: there may be room again, or nothing more to wait for. */
  saved(): void
  onRetry(node: string, error: Error, attempt: number, waitMs: number): void
}

export function createCuts(component: Component, ctx: CutsContext): Cuts {
  const { steps, counters, deadLetter } = component
  const { bounds, filling, sinks, store, abort, observe } = ctx
  const holders = sinks.filter((s) => s.capabilities.checkpointsOnRoll)
  const published: number[] = []
  const onTheWay = new Set<Cut>()
  let number = store.run()!.epoch
  let saved = number
  let beforeDeadLetter = false

  const due = (): boolean => {
    if (filling.empty || saved !== number || ctx.failed()) return false
    const { ageMs, records } = filling
    if (holders.length > 0)
      return holders.some((s) => s.sink.full?.()) || records >= bounds.holdRecords || ageMs >= bounds.holdMs
    return records >= bounds.minRecords || ageMs >= bounds.minMs || filling.everyoneCaughtUp
  }
  const cutIfDue = () => {
    if (due()) cut({ end: false, roll: holders.length > 0 })
  }
  const cut: Cuts['cut'] = ({ end, roll }) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const made: Cut = {
      epoch: ++number,
      roll,
      end,
      ...filling.empties(),
      changes: steps.flatMap((s) =>
        s.transform.cut ? [{ step: s.id, hash: s.plan.stateHash, entries: s.transform.cut() }] : [],
      ),
      counters: snapshot(counters),
      waiting: component.sinks.length,
      done: promise,
      finish: resolve,
    }
    onTheWay.add(made)
    beforeDeadLetter = true
    for (const { queue } of component.sinks) queue.push({ cut: made })
    if (made.waiting === 0) passed(made)
    return made
  }
  /** All sinks but the dead letter have come to it. */
  const passed = (made: Cut) => {
    beforeDeadLetter = false
    if (deadLetter) deadLetter.queue.push({ cut: made })
    else finish(made)
  }
  const finish = (made: Cut) => {
    const startedMs = performance.now()
    finishEpoch(made, epochContext)
      .then(() => {
        saved = made.epoch
        filling.saved(made)
        onTheWay.delete(made)
        observe({ type: 'saved', epoch: made.epoch, durationMs: performance.now() - startedMs })
        made.finish()
        // What came meanwhile need not wait for the next batch or tick.
        cutIfDue()
        ctx.saved()
      })
      .catch(ctx.fail)
  }
  const publish = async (node: SinkNode, stage: Json) => {
    await withRetry(
      () => node.sink.publish!(stage, { signal: abort.signal }),
      abort.signal,
      (error, attempt, waitMs) => ctx.onRetry(node.id, error, attempt, waitMs),
      ctx.retry,
    ).catch((error) => {
      throw asRunError(error, node.id, 'publishing')
    })
    observe({ type: 'published', sink: node.id })
  }
  const reportFailed = (source: string, error: Error) =>
    observe({ type: 'warning', node: source, message: `reporting progress failed: ${error.message}` })
  const epochContext: EpochContext = {
    store,
    sources: component.sources,
    sinks,
    signal: abort.signal,
    published,
    publish,
    reportFailed,
  }

  return {
    get writing() {
      return saved + 1
    },
    get settled() {
      return saved === number
    },
    get beforeDeadLetter() {
      return beforeDeadLetter
    },
    cut,
    cutIfDue,
    arrived(node, made) {
      if (node === deadLetter) finish(made)
      else if (--made.waiting === 0) passed(made)
    },
    abandon() {
      for (const made of onTheWay) made.finish()
    },
    published,
    reportFailed,
  }
}
