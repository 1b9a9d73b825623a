/**
 * The loop of one connected component of the graph: read -> transform -> write -> flush -> save -> publish -> commit. The order is the guarantee.
 *
 * Readers hand batches to the transforms, synchronously. What comes out waits in one queue per sink; at most 2,000 rows or 4 MiB wait, over a cut as well.
 * An epoch is cut when the one before it is saved and published, and either every source has nothing more at hand, or 10,000 records or 100 ms have passed; with a
 * sink that can resume only at a roll, when that sink's bound is reached. The cut is synchronous: positions, the encoded changes of state, and counters are as of
 * one moment, and no record of the next epoch is applied before it (epoch.ts has what follows). One failure ends readers and writers together; whatever was not
 * saved comes again at the next start.
 */
import { MillraceError } from '../errors.ts'
import type { Observer, Progress } from '../observe.ts'
import { type Batch, type Json, Records } from '../record.ts'
import type { Store } from '../store.ts'
import { type Counters, snapshot } from './counters.ts'
import { createAnswers, type Request } from './answers.ts'
import { type Cut, finishEpoch } from './epoch.ts'
import { createFailures, type Failures } from './failures.ts'
import { type Failure, deadLetterRow } from '../dead-letter.ts'
import { buildGraph, type Graph, type OnFail, type SinkNode, type SourceNode, type StepNode } from './graph.ts'
import { countBatch, placed } from './intake.ts'
import { runReader } from './reader.ts'
import { asRunError, type RetryPolicy, withRetry } from './retry.ts'
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
export const defaultBounds = { minRecords: 10_000, minMs: 100, holdRecords: 1_000_000, holdMs: 60_000, aheadRows: 2000, aheadBytes: 4 << 20, tickMs: 50 }

/** How a component ended: `ended`: its input has; else it was stopped. `published`: stages that are published but not yet recorded so. */
export interface Ending {
  readonly ended: boolean
  readonly published: readonly number[]
}

/** Runs the component to its end. Rejects with what stopped it. */
export async function runComponent(component: Component, options: ComponentOptions): Promise<Ending> {
  const { sources, steps, counters } = component
  const { store, abort, observe } = options
  const bounds = { ...defaultBounds, ...options.bounds }
  const sinks = component.deadLetter ? [...component.sinks, component.deadLetter] : component.sinks
  const holders = sinks.filter((s) => s.capabilities.holds)
  const published: number[] = []
  let number = store.run()!.epoch
  let saved = number
  let failure: unknown
  let wakeReaders: (() => void)[] = []

  const onRetry = (node: string, error: Error, attempt: number, waitMs: number) => observe({ type: 'retry', node, message: error.message, attempt, waitMs })
  const fail = (error: unknown) => {
    failure ??= error
    abort.abort()
    for (const { queue } of sinks) queue.close()
    for (const cut of cuts) cut.finish()
    wakeUp()
  }
  const wakeUp = () => {
    const waiting = wakeReaders
    wakeReaders = []
    for (const wake of waiting) wake()
  }

  // --- the epoch being filled
  const positions = new Map(sources.map((s) => [s.id, new Map([...store.positions(s.id)].map(([split, p]) => [split, p.position] as const))]))
  const moved = new Map<string, { source: string; split: string; position: Json | undefined; ended: boolean }>()
  const memory = new Map<string, { source: string; key: string; value: Json | null }>()
  const unsavedMemory = new Map<string, Json | null>()
  const epoch = { records: 0, bytes: 0, startedMs: performance.now() }
  const caughtUp = new Set<string>()
  const finished = new Set<string>()
  let atEnd: ReturnType<typeof watchEnd> | undefined
  const cuts = new Set<Cut>()

  // --- failures
  let cutOnItsWay = false
  const bury = (f: Failure) => {
    const node = component.deadLetter
    if (!node) throw new MillraceError('no_dead_letter', `a record of ${f.node} should go to the dead letter, but the spec has none`, { exitCode: 2 })
    const row = deadLetterRow(f, component.pipeline, component.specHash)
    node.count.in++
    const item = { records: new Records({ rows: [row], from: [], pipeline: component.pipeline, resultKeys: [`${f.id}!${f.node}`] }), bytes: 300 }
    // What the transforms fail belongs to the epoch being filled, though the cut of the one before may still be on its way to the dead letter.
    if (cutOnItsWay && !sinks.some((s) => s.id === f.node)) node.queue.pushBehindCut(item)
    else node.queue.push(item)
  }
  const failures: Failures = createFailures(component.stopAbove, bury, component.onFailed)
  const answers = createAnswers(sources)
  const answering = sources.some((s) => s.capabilities.answers)
  const onFail: OnFail = (node, policy, records, i, code, more) => {
    const origin = records.origin(i)
    const batch = origin?.batch
    if (answering && origin) {
      if (answers.refuse(origin.source, origin.batch, origin, { code, ...more })) return true
      answers.failed(origin.batch, origin.index, { code, ...more })
    }
    failures.report(policy, {
      node,
      code,
      ...more,
      id: records.id(i),
      path: records.paths?.[i],
      source: origin?.source ?? '',
      split: batch?.split ?? '',
      position: batch ? batch.positionAt(origin.index) : records.id(i),
      context: batch?.context,
      bytes: batch?.rawAt?.(origin!.index),
      row: batch && !batch.rawAt ? batch.rows[origin!.index] : records.rows[i],
    })
    return false
  }
  const graph: Graph = buildGraph(
    steps,
    sinks.filter((s) => s !== component.deadLetter),
    component.pipeline,
    onFail,
    answering ? answers.saw : undefined,
  )

  // --- from the readers into the queues
  const take = (node: SourceNode, batches: readonly Batch[]) => {
    let bytes = 0
    let read = 0
    if (answering) answers.begin(node, batches)
    for (const batch of batches) {
      bytes += batch.bytes
      read += countBatch(node, batch, component, failures, answers)
      if (batch.remember) for (const [key, value] of batch.remember) remember(node.id, key, value)
    }
    const from = batches.map((batch) => ({ source: node.id, batch }))
    const rows = batches.length === 1 ? batches[0]!.rows : batches.flatMap((b) => b.rows as Batch['rows'][number][])
    const deliver = () => graph.deliver(node.pushed.at(-1) ?? node.id, new Records({ rows, from, pipeline: component.pipeline }), bytes)
    if (!answering) deliver()
    else {
      graph.gated(answers.admit, () => {
        deliver()
        answers.decided()
      })
      admitted.push(...answerNow(answers.settle()))
    }
    failures.passed(node.id, read)
    for (const { split, position, end } of batches) {
      if (position !== undefined) positions.get(node.id)!.set(split, position)
      if (position !== undefined || end) moved.set(`${node.id}\0${split}`, { source: node.id, split, position, ended: end === true })
    }
    if (batches.at(-1)!.caughtUp) caughtUp.add(node.id)
    else caughtUp.delete(node.id)
    atEnd?.saw(node.id, batches)
    if (epoch.records === 0 && read > 0) epoch.startedMs = performance.now()
    epoch.records += read
    epoch.bytes += bytes
    options.progress.bytes += bytes
    if (due()) cut(false, holders.length > 0)
  }
  const remember = (source: string, key: string, value: Json | null) => {
    memory.set(`${source}\0${key}`, { source, key, value })
  }

  /** Requests that were refused whole leave nothing to save. */
  const answerNow = (refused: ReturnType<typeof answers.settle>): Request[] => {
    for (const { source, done } of refused) {
      const node = sources.find((s) => s.id === source)!
      node.source
        .commit?.([done], { signal: abort.signal })
        .catch((error) => (node.capabilities.commit === 'duty' ? fail(error) : epochContext.reportFailed(source, error)))
    }
    return answers.take()
  }

  // --- the cut
  let admitted: Request[] = []
  const idle = () => moved.size === 0 && memory.size === 0 && admitted.length === 0
  const due = (): boolean => {
    if (idle() || saved !== number || failure) return false
    const age = performance.now() - epoch.startedMs
    if (holders.length > 0) return holders.some((s) => s.sink.full?.()) || epoch.records >= bounds.holdRecords || age >= bounds.holdMs
    return epoch.records >= bounds.minRecords || age >= bounds.minMs || sources.every((s) => caughtUp.has(s.id))
  }
  const cut = (end: boolean, roll: boolean): Cut => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const made: Cut = {
      epoch: ++number,
      roll,
      end,
      positions: [...moved.values()],
      memory: [...memory.values()],
      requests: admitted,
      changes: steps.flatMap((s) => (s.transform.cut ? [{ step: s.id, hash: s.plan.stateHash, entries: s.transform.cut() }] : [])),
      counters: snapshot(counters),
      waiting: component.sinks.length,
      done: promise,
      finish: resolve,
    }
    moved.clear()
    memory.clear()
    admitted = []
    Object.assign(epoch, { records: 0, bytes: 0, startedMs: performance.now() })
    cuts.add(made)
    cutOnItsWay = true
    for (const { queue } of component.sinks) queue.push({ cut: made })
    if (made.waiting === 0) lastArrived(made)
    return made
  }
  const arrived = (made: Cut) => {
    made.waiting--
    if (made.waiting === 0) lastArrived(made)
  }
  /** The dead letter comes to a cut after all others, which feed it. */
  const lastArrived = (made: Cut) => {
    if (component.deadLetter && made.waiting === 0) {
      made.waiting = -1
      cutOnItsWay = false
      component.deadLetter.queue.push({ cut: made })
      return
    }
    const startedMs = performance.now()
    finishEpoch(made, epochContext)
      .then(() => {
        saved = made.epoch
        for (const { source, key, value } of made.memory) if (unsavedMemory.get(`${source}\0${key}`) === value) unsavedMemory.delete(`${source}\0${key}`)
        cuts.delete(made)
        observe({ type: 'saved', epoch: made.epoch, durationMs: performance.now() - startedMs })
        made.finish()
        // What came meanwhile need not wait for the next batch or tick.
        if (due()) cut(false, holders.length > 0)
        wakeUp()
      })
      .catch(fail)
  }
  const publish = async (node: SinkNode, stage: Json) => {
    await withRetry(
      () => node.sink.publish!(stage, { signal: abort.signal }),
      abort.signal,
      (e, n, ms) => onRetry(node.id, e, n, ms),
      options.retry,
    ).catch((error) => {
      throw asRunError(error, node.id, 'publishing')
    })
    observe({ type: 'published', sink: node.id })
  }
  const epochContext = {
    store,
    sources,
    sinks,
    signal: abort.signal,
    published,
    publish,
    reportFailed: (source: string, error: Error) => observe({ type: 'warning', node: source, message: `reporting progress failed: ${error.message}` }),
  }

  // --- running
  const room = (): Promise<void> | undefined => {
    if (failure) return undefined
    if (!sinks.some(({ queue }) => queue.rows > bounds.aheadRows || queue.bytes > bounds.aheadBytes)) return undefined
    return new Promise((resolve) => wakeReaders.push(resolve))
  }
  const stopReading = new AbortController()
  const onStop = () => stopReading.abort()
  for (const signal of [options.stop, abort.signal]) {
    if (signal.aborted) onStop()
    else signal.addEventListener('abort', onStop)
  }
  void options.until?.then(() => {
    atEnd = watchEnd(sources, onStop)
    for (const id of finished) atEnd.ended(id)
  })
  const tick = setInterval(() => {
    try {
      if (due()) cut(false, holders.length > 0)
    } catch (error) {
      fail(error)
    }
  }, bounds.tickMs)

  const writers = sinks.map((node) =>
    runWriter(node, {
      signal: abort.signal,
      ...(options.retry ? { retry: options.retry } : {}),
      epoch: () => saved + 1,
      onFail,
      onRetry,
      arrived: (made) => (node === component.deadLetter ? lastArrived(made) : arrived(made)),
      released: wakeUp,
    }).catch(fail),
  )
  const readers = sources.map((node) =>
    runReader(node, {
      signal: stopReading.signal,
      ...(options.retry ? { retry: options.retry } : {}),
      read: {
        resume: (split) => positions.get(node.id)!.get(split),
        recall: (key) => {
          const unsaved = unsavedMemory.get(`${node.id}\0${key}`)
          return unsaved === undefined ? store.recall(node.id, key) : (unsaved ?? undefined)
        },
        wants: () => true,
        instance: options.instance,
        warn: (message) => observe({ type: 'warning', node: node.id, message }),
      },
      onSplits(found) {
        for (const { bytes } of found.splits) options.progress.totalBytes += bytes ?? 0
        if (found.complete) options.progress.complete = true
      },
      received: ({ remember: entries }) => {
        for (const [key, value] of entries ?? []) unsavedMemory.set(`${node.id}\0${key}`, value)
      },
      take: (batches) => {
        if (!failure) take(node, batches)
      },
      room,
      onRetry,
    })
      .then(() => {
        caughtUp.add(node.id)
        finished.add(node.id)
        atEnd?.ended(node.id)
        if (!stopReading.signal.aborted) failures.ended(node.id)
      })
      .catch(fail),
  )
  try {
    await Promise.all(readers)
    const ended = options.whole && !stopReading.signal.aborted
    while (!failure && saved !== number) await new Promise<void>((resolve) => wakeReaders.push(resolve))
    if (!failure) {
      while (ended && !failure && !graph.advance(Number.POSITIVE_INFINITY)) for (let wait = room(); wait; wait = room()) await wait
      await cut(ended, true).done
    }
    for (const { queue } of sinks) queue.close()
    await Promise.all(writers)
    if (failure) throw await placed(failure, component)
    return { ended, published }
  } catch (error) {
    fail(error)
    await Promise.all(writers)
    throw await placed(failure, component)
  } finally {
    clearInterval(tick)
    for (const signal of [options.stop, abort.signal]) signal.removeEventListener('abort', onStop)
  }
}

/**
 * Calls `done` when every source has come to the end that is there now. A source that says `caughtUp` twice asked at least once after now: the first answer
 * may have been on its way.
 */
function watchEnd(sources: readonly SourceNode[], done: () => void): { saw(source: string, batches: readonly Batch[]): void; ended(source: string): void } {
  const left = new Map(sources.map((s) => [s.id, 2]))
  const count = (source: string, n: number) => {
    left.set(source, (left.get(source) ?? 0) - n)
    if ([...left.values()].every((l) => l <= 0)) done()
  }
  return { saw: (source, batches) => count(source, batches.filter((b) => b.caughtUp).length), ended: (source) => count(source, 2) }
}
