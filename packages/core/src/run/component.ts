/**
 * The loop of one connected component of the graph: read -> transform -> write -> flush -> save -> publish -> commit. The order is the guarantee.
 *
 * Readers hand batches to the transforms, synchronously. What comes out waits in one queue per sink; at most 2,000 rows or 4 MiB wait, over a cut as well.
 * filling.ts has what the epoch being filled consists of, cuts.ts when it is cut (synchronously: no record of the next epoch is applied before), epoch.ts
 * what follows a cut. One failure ends readers and writers together; whatever was not
 * saved comes again at the next start.
 */
import { type Done, endOfRun } from '../connector.ts'
import type { Failure } from '../dead-letter.ts'
import type { Observer, Progress } from '../observe.ts'
import { type Batch, Records } from '../record.ts'
import type { Store } from '../store.ts'
import { createAnswers } from './answers.ts'
import type { Counters } from './counters.ts'
import { createCuts } from './cuts.ts'
import { createFailing } from './failing.ts'
import { createFilling } from './filling.ts'
import { buildGraph, type SinkNode, type SourceNode, type StepNode } from './graph.ts'
import { countBatch, placed } from './intake.ts'
import { runReader } from './reader.ts'
import type { RetryPolicy } from './retry.ts'
import { ownerOf } from '../owner.ts'
import { lagOf } from './lag.ts'
import { untilCaughtUp } from './until.ts'
import { runWriter } from './writer.ts'

export interface Component {
  readonly pipeline: string
  readonly specHash: string
  readonly sources: readonly SourceNode[]
  readonly steps: readonly StepNode[]
  readonly sinks: readonly SinkNode[]
  readonly deadLetter?: SinkNode
  readonly stopAbove?: number
  readonly counters: Counters
  /** Hears of each record that failed and did not stop the run. */
  readonly onFailed?: (failure: Failure) => void
}

export interface ComponentOptions {
  readonly store: Store
  /** The end of all input ends the run for good: windows close, the incarnation ends. */
  readonly whole: boolean
  /** When it resolves, the run ends as soon as every source has come to the end that is there then. */
  readonly until?: Promise<unknown>
  /** Aborted: stop reading, drain, save, end. */
  readonly stop: AbortSignal
  /** The component is torn down: writers, retries and waits end at once. */
  readonly abort: AbortController
  readonly observe: Observer
  readonly progress: Progress
  readonly instance: { readonly i: number; readonly n: number }
  readonly retry?: RetryPolicy
  readonly bounds?: Partial<typeof defaultBounds>
}

/** When an epoch may be cut, and how far the transforms may run ahead of the writers. */
export const defaultBounds = {
  minRecords: 10_000,
  minMs: 100,
  holdRecords: 1_000_000,
  holdMs: 60_000,
  aheadRows: 2000,
  aheadBytes: 4 << 20,
  tickMs: 50,
}

/** How a component ended: `ended`: its input has; else it was stopped. `published`: stages that are published but not yet recorded so. */
export interface Ending {
  readonly ended: boolean
  /** Its sources have come to the end that was there when `until` resolved. */
  readonly caughtUp: boolean
  readonly published: readonly number[]
}

/** Why a component ends that did not fail itself: another of its run did, or the drain took too long. */
const elsewhere = Symbol('failed elsewhere')

/** Runs the component to its end. Rejects with what stopped it; what stopped another one of the run is told by that one. */
export async function runComponent(component: Component, options: ComponentOptions): Promise<Ending> {
  const { sources, steps, pipeline } = component
  const { store, abort, observe, progress } = options
  const bounds = { ...defaultBounds, ...options.bounds }
  const sinks = component.deadLetter ? [...component.sinks, component.deadLetter] : component.sinks
  const retry = options.retry ? { retry: options.retry } : {}
  let failure: unknown
  let waiting: (() => void)[] = []
  const wakeUp = () => {
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }
  const onRetry = (node: string, error: Error, attempt: number, waitMs: number) =>
    observe({ type: 'retry', node, message: error.message, attempt, waitMs })
  const fail = (error: unknown) => {
    failure ??= error
    abort.abort()
    for (const { queue } of sinks) queue.close()
    cuts.abandon()
    wakeUp()
  }

  const lag = lagOf(progress)
  const filling = createFilling(sources, store)
  const cuts = createCuts(component, {
    store,
    abort,
    observe,
    ...retry,
    bounds,
    filling,
    sinks,
    failed: () => failure !== undefined,
    fail,
    saved: wakeUp,
    onRetry,
  })
  const answers = createAnswers(sources)
  const answering = sources.some((s) => s.capabilities.answers)
  const { failures, onFail } = createFailing(component, answering ? answers : undefined, () => cuts.beforeDeadLetter)
  const graph = buildGraph(steps, component.sinks, pipeline, onFail, answering ? answers.saw : undefined)

  // --- from the readers into the queues
  const take = (node: SourceNode, batches: readonly Batch[]) => {
    if (failure) return
    let bytes = 0
    let read = 0
    if (answering) answers.begin(node, batches)
    for (const batch of batches) {
      bytes += batch.bytes
      lag(node.id, batch)
      read += countBatch(node, batch, component, failures, answers)
    }
    const from = batches.map((batch) => ({ source: node.id, batch }))
    const rows = batches.length === 1 ? batches[0]!.rows : batches.flatMap((b) => b.rows as Batch['rows'][number][])
    const deliver = () => graph.deliver(node.pushed.at(-1) ?? node.id, new Records({ rows, from, pipeline }), bytes)
    if (!answering) deliver()
    else {
      graph.gated(answers.admit, () => {
        deliver()
        answers.decided()
      })
      for (const { source, done } of answers.settle()) answerNow(source, done)
      filling.admitted(answers.take())
    }
    failures.passed(node.id, read)
    filling.taken(node, batches, read)
    until.saw(node.id, batches)
    progress.bytes += bytes
    cuts.cutIfDue()
  }
  /** A request that was refused whole leaves nothing to save. */
  const answerNow = (id: string, done: Done) => {
    const { source, capabilities } = sources.find((s) => s.id === id)!
    source
      .commit?.([done], { signal: abort.signal })
      .catch((error) => (capabilities.commit === 'duty' ? fail(error) : cuts.reportFailed(id, error)))
  }
  /** Resolves when the writers may have room for more; undefined: they have. */
  const room = (): Promise<void> | undefined => {
    if (failure || !sinks.some(({ queue }) => queue.rows > bounds.aheadRows || queue.bytes > bounds.aheadBytes))
      return undefined
    return new Promise((resolve) => waiting.push(resolve))
  }

  // --- running
  const stopReading = new AbortController()
  const onStop = () => stopReading.abort()
  for (const signal of [options.stop, abort.signal]) {
    if (signal.aborted) onStop()
    else signal.addEventListener('abort', onStop)
  }
  let caughtUp = false
  const onAbort = () => failure === undefined && fail(elsewhere)
  if (abort.signal.aborted) onAbort()
  abort.signal.addEventListener('abort', onAbort)
  const until = untilCaughtUp(sources, () => {
    caughtUp = true
    onStop()
  })
  void options.until?.then(until.begin)
  const tick = setInterval(() => {
    try {
      cuts.cutIfDue()
    } catch (error) {
      fail(error)
    }
  }, bounds.tickMs)

  const writers = sinks.map((node) =>
    runWriter(node, {
      signal: abort.signal,
      ...retry,
      epoch: () => cuts.writing,
      onFail,
      onRetry,
      arrived: (cut) => cuts.arrived(node, cut),
      released: wakeUp,
    }).catch(fail),
  )
  const read = async (node: SourceNode) => {
    await runReader(node, {
      signal: stopReading.signal,
      ...retry,
      read: {
        resume: (split) => filling.resume(node.id, split),
        recall: (key) => filling.recall(node.id, key),
        recallAll: (prefix) => store.recallAll(node.id, prefix),
        owns: (split) => ownerOf(split, options.instance.n) === options.instance.i,
        wants: () => true,
        whenWanted: () => Promise.resolve(),
        instance: options.instance,
        warn: (message) => observe({ type: 'warning', node: node.id, message }),
      },
      onSplits(found) {
        for (const { bytes } of found.splits) progress.totalBytes += bytes ?? 0
        if (found.complete) progress.complete = true
      },
      received: (batch) => filling.received(node.id, batch),
      take: (batches) => take(node, batches),
      room,
      onRetry,
    })
    filling.caughtUp(node.id)
    until.ended(node.id)
    if (!stopReading.signal.aborted) failures.ended(node.id)
  }
  try {
    await Promise.all(sources.map((node) => read(node).catch(fail)))
    const ended = options.whole && !stopReading.signal.aborted
    while (!failure && !cuts.settled) await new Promise<void>((resolve) => waiting.push(resolve))
    if (!failure) {
      while (ended && !failure && !graph.advance(endOfRun)) for (let wait = room(); wait; wait = room()) await wait
      await cuts.cut({ end: ended, roll: true }).done
    }
    for (const { queue } of sinks) queue.close()
    await Promise.all(writers)
    if (failure) throw failure
    return { ended, caughtUp, published: cuts.published }
  } catch (error) {
    fail(error)
    await Promise.all(writers)
    if (failure === elsewhere) return { ended: false, caughtUp: false, published: [] }
    throw await placed(failure, component)
  } finally {
    clearInterval(tick)
    abort.signal.removeEventListener('abort', onAbort)
    for (const signal of [options.stop, abort.signal]) signal.removeEventListener('abort', onStop)
  }
}
