/**
 * The run loop of one connected component of the graph.
 *
 * A component works in epochs. Within an epoch, sources hand batches to the graph, the graph runs synchronously, and
 * one writer per sink drains that sink's queue. When an epoch is due, a barrier goes into every queue, and the epoch
 * ends in the order below. That order is the delivery guarantee: each step relies on the ones before it.
 *
 * | step | what happens | why at this point |
 * |---|---|---|
 * | read | sources hand batches to the graph; its output waits in one queue per sink | the graph never waits, so nothing of the next epoch can slip into this one |
 * | order | where the interleaving of several lanes decides the results, it is logged and synced before the first write that depends on it | a restart has to repeat that interleaving, or it would write something else |
 * | barrier | positions, changes of state and counters are captured at one moment | they are saved as one consistent snapshot |
 * | write | writers drain their queues up to the barrier | a saved position promises that every sink has what came before it (invariant 1) |
 * | flush | sinks make the epoch durable but not visible, and name the pieces: stages | what the save refers to must survive a crash |
 * | save | positions, state, stages and commit actions are saved in one transaction | the epoch counts completely or not at all (invariant 2) |
 * | publish | stages become visible | readers may only see what is saved; a restart could otherwise show it again, or show something else (invariant 3) |
 * | commit | sources learn what is durable: requests are answered, input files moved or deleted | input may only be answered or removed once its results are saved and visible (invariants 3 and 6) |
 *
 * What a restart finds after the process was killed, by crash point:
 *
 * | killed at | found at restart | what the restart does |
 * |---|---|---|
 * | mid_begin | no incarnation | begins one |
 * | after_read, after_transform | nothing of the batch | reads it again |
 * | before_write, after_write | records in the sinks, position not saved | reads and writes them again: they replace themselves by id or key, or the sink first truncates to the last save |
 * | before_flush, after_flush | data that is durable and hidden, but not saved | sinks truncate or replace what the epoch wrote |
 * | before_save, mid_save | the same: the transaction was never committed | the same |
 * | after_save | the epoch, its stages and commit actions | publishes the stages, runs the commit actions, then reads on |
 * | before_publish, after_publish | a stage that may or may not be visible | publishes it again: the sink checks whether it is there |
 * | after_commit_action | an action that was carried out but not recorded | repeats it: commit actions are idempotent |
 * | after_commit | the epoch; what was published and committed is not recorded yet | publishes and commits again, without effect |
 * | before_mark_done | stages and commit actions that are done but not marked as done | repeats them, without effect |
 * | before_end, after_end | the last epoch, with the run marked as ended or not | finishes with nothing left to do, or begins the next run |
 *
 * The first failure stops the whole component immediately (halt.ts). What happens before the graph is in intake.ts, the
 * graph itself in graph.ts, and everything after a barrier in epoch.ts.
 *
 * This is one file because the order of these steps is the guarantee, and has to be read in one place.
 */
import type { Clock } from '../clock.ts'
import type { ReadContext } from '../connector/index.ts'
import { MillraceError } from '../errors/index.ts'
import type { Observer, Progress } from './observe.ts'
import type { Store } from '../store/index.ts'
import { createAnswers } from './answers.ts'
import { createBadRecords, DataStop } from './bad-records.ts'
import { type Barrier, countdown } from './barrier.ts'
import { snapshot } from './counters.ts'
import { createDue, type Bounds } from './due.ts'
import { createEpochs } from './epoch.ts'
import { buildGraph } from './graph.ts'
import { createHalt } from './halt.ts'
import { createIntake } from './intake.ts'
import { lagOf } from './lag.ts'
import { createLanes } from './lanes.ts'
import { allSinks, type Component, type SourceNode } from './nodes.ts'
import { openEpoch } from './open-epoch.ts'
import { openOrder } from './order.ts'
import { orderDependentSinks, needsOrder, needsOrderOfLetters, sourcesOfSteps } from './reach.ts'
import { ownerOf } from './owner.ts'
import type { ReplayInput } from './replay-input.ts'
import { createReplays } from './replays.ts'
import { runReader } from './reader.ts'
import type { Calls } from './retry.ts'
import { createBackpressure } from './backpressure.ts'
import { startTicking } from './ticking.ts'
import { createWatermarks } from './watermarks.ts'
import { graceMs, type Shutdown } from './shutdown.ts'
import { runWriter } from './writer.ts'

export interface ComponentOptions {
  readonly store: Store
  readonly clock: Clock
  readonly calls: Calls
  /** When all input has ended, so has the run: windows close and the incarnation ends. */
  readonly whole: boolean
  /** Once it resolves, the run ends when every source has reached the end its input had at that moment. */
  readonly until?: Promise<unknown>
  /** Aborted: stop reading, drain, save, end. */
  readonly stop: AbortSignal
  /** Aborted: the component is torn down; writers, retries and waits end immediately. */
  readonly abort: AbortController
  /** Tears the whole run down because of a failure. */
  readonly tearDown: Shutdown['tearDown']
  readonly observe: Observer
  readonly outOfReach: ReadContext['outOfReach']
  readonly progress: Progress
  readonly instance: { readonly i: number; readonly n: number }
  readonly bounds: Bounds
  readonly replayInput: ReplayInput
  /** Only dead letters are replayed; the sources are not read. */
  readonly onlyReplay: boolean
  /** They are replayed into a run that has ended; it ends again afterwards. */
  readonly intoEnded: boolean
}

/** How a component ended. `ended`: its input has ended; otherwise it was stopped. */
export interface Ending {
  readonly ended: boolean
  /** Its sources have reached the end that their input had when `until` resolved. */
  readonly caughtUp: boolean
  /** Stages published and commit actions carried out, but not recorded as such yet. */
  readonly done: { readonly stages: readonly number[]; readonly commitActions: readonly number[] }
}

/** Why a component stops that did not fail itself: another component failed, or the drain took too long. */
const failedElsewhere = Symbol('failed elsewhere')

/**
 * Runs the component to its end. Rejects with the failure that stopped it; one of another component is reported there.
 */
export async function runComponent(component: Component, options: ComponentOptions): Promise<Ending> {
  const { sources, steps, pipeline, deadLetter } = component
  const { store, abort, observe, clock, calls, progress } = options
  const sinks = allSinks(component)
  const halt = createHalt((error) => options.tearDown(() => locateFailure(error, component)))
  const backpressure = createBackpressure(sinks, options.bounds, () => halt.isHalted)
  const epoch = openEpoch(sources, store, clock)
  const lanes = createLanes(sources, store.lanes())
  const lag = lagOf(progress)
  const name = sources[0]!.id
  const { beganMs } = store.run()!
  const isOrdered = needsOrder(component)
  const order =
    isOrdered || needsOrderOfLetters(component)
      ? await openOrder(
          store.folder,
          name,
          { incarnation: store.run()!.incarnation, covered: store.ordered(name), isLazy: !isOrdered },
          halt.fail,
        )
      : undefined
  const answers = sources.some((s) => s.capabilities.answers) ? createAnswers(sources) : undefined
  let number = store.run()!.epoch
  let saved = number
  let beforeDeadLetter = false
  const replays = createReplays({
    component,
    store,
    graph: () => graph,
    bad: () => bad,
    ...options.replayInput.contextFor(component),
    high: lanes.high,
    touch: epoch.touch,
  })
  const bad = createBadRecords(component, {
    answers,
    beforeDeadLetter: () => beforeDeadLetter,
    deadLettered: (id, node, isBeingWritten) => replays.deadLettered({ id, node }, isBeingWritten),
    failedAgain: replays.onFailure,
  })
  const ordered = order ? orderDependentSinks(component) : new Set<string>()
  const graph = buildGraph({
    steps,
    sinks: component.sinks,
    pipeline,
    onFail: bad.onFail,
    tap: answers?.keepAnswerRows,
    ready: order ? (sink: string) => (ordered.has(sink) ? order.ready : undefined) : undefined,
  })
  const intake = createIntake({
    component,
    clock,
    graph,
    lanes,
    bad,
    answers,
    epoch,
    order,
    sourcesOf: sourcesOfSteps(component),
    room: backpressure.wait,
    taken() {
      ticking.soon()
      stopIfCaughtUp()
      endEpochIfDue()
    },
    replay(letters, report) {
      if (!halt.isHalted) replays.handOver(letters, report)
    },
    fail: halt.fail,
    released: backpressure.released,
    onTaken(node, batch) {
      lag(node.id, batch)
      progress.bytes += batch.bytes
      // A lane that has ended or caught up holds nobody back.
      if (batch.end || batch.caughtUp) backpressure.released()
    },
    answerNow(id, done) {
      // A request that is refused completely leaves nothing to save.
      const node = sources.find((s) => s.id === id)!
      calls.call(node, 'answering', () => node.source.commit!([done], { signal: abort.signal })).catch(halt.fail)
    },
  })
  const due = createDue({ component, bounds: options.bounds, epoch, lanes, hasReplays: () => replays.areFilling })

  // --- barriers
  const takeBarrier = (how: { readonly end: boolean; readonly roll: boolean }) => {
    graph.endEpoch()
    const passed = Promise.withResolvers<void>()
    const writers = countdown(component.sinks.length)
    const last = countdown(deadLetter ? 1 : 0)
    replays.close()
    const barrier: Barrier = {
      epoch: ++number,
      ...how,
      ...epoch.close(),
      lanes: lanes.changes(),
      changes: steps.flatMap((s) =>
        s.transform.takeChanges ? [{ step: s.id, hash: s.plan.stateHash, entries: s.transform.takeChanges() }] : [],
      ),
      counters: snapshot(component.counters),
      arrive: () => (beforeDeadLetter ? writers : last).arrive(),
      passed: passed.promise,
      ...(order ? { ordered: { component: name, seq: order.mark(number) } } : {}),
    }
    beforeDeadLetter = true
    for (const { queue } of component.sinks) queue.push({ barrier })
    /** The dead letter's writer comes last, since the other writers feed it. */
    const reachBarrier = async () => {
      await halt.unlessHalted(writers.all)
      beforeDeadLetter = false
      deadLetter?.queue.push({ barrier })
      await halt.unlessHalted(last.all)
    }
    return { barrier, reachBarrier, release: passed.resolve }
  }
  let reachBarrier = () => Promise.resolve()
  const epochs = createEpochs({
    clock,
    component,
    store,
    calls,
    halt,
    signal: abort.signal,
    replays,
    reachBarrier: () => reachBarrier(),
    published: (sink) => observe({ type: 'published', sink }),
    warn: (node, message) => observe({ type: 'warning', node, message }),
  })

  // --- one epoch
  let ending: Promise<void> | undefined
  const endEpoch = (how: { readonly end: boolean; readonly roll: boolean }): Promise<void> => {
    const startedMs = clock.monotonic()
    const taken = takeBarrier(how)
    reachBarrier = taken.reachBarrier
    ending = epochs
      .finish(taken.barrier)
      .then((saveMs) => {
        saved = taken.barrier.epoch
        epoch.saved(taken.barrier)
        order?.saved(saved)
        replays.saved()
        intake.saved()
        observe({ type: 'saved', epoch: saved, durationMs: clock.monotonic() - startedMs, saveMs })
      })
      .catch(halt.fail)
      .then(() => {
        ending = undefined
        taken.release()
        backpressure.released()
        // What arrived in the meantime need not wait for the next batch or tick.
        endEpochIfDue()
      })
    return ending
  }
  const endEpochIfDue = () => {
    if (ending || halt.isHalted || isEnding) return
    try {
      const how = due()
      if (how) void endEpoch({ end: false, ...how })
    } catch (error) {
      halt.fail(error)
    }
  }

  // --- stopping
  const stopReading = new AbortController()
  let caughtUp = false
  let isEnding = false
  const onStop = () => stopReading.abort()
  for (const signal of [options.stop, abort.signal]) {
    if (signal.aborted) onStop()
    else signal.addEventListener('abort', onStop)
  }
  const onAbort = () => halt.fail(failedElsewhere)
  if (abort.signal.aborted) onAbort()
  else abort.signal.addEventListener('abort', onAbort)
  halt.onFail(() => {
    for (const { queue } of sinks) queue.close()
    backpressure.released()
  })
  void options.until?.then(lanes.startCatchUp)
  /** `--until caught_up`: stops once every source has reached the end its input had. */
  const stopIfCaughtUp = () => {
    if (!lanes.hasCaughtUp) return
    caughtUp = true
    onStop()
  }

  // --- reading and writing
  const polled = new Set<string>()
  const read = (node: SourceNode) =>
    runReader(node, {
      signal: stopReading.signal,
      clock,
      calls,
      read: {
        resume: (split) => epoch.resume(node.id, split),
        recall: (key) => epoch.recall(node.id, key),
        recallAll: (prefix) => epoch.recallAll(node.id, prefix),
        owns: (split) => ownerOf(split, options.instance.n) === options.instance.i,
        wants: (split) => intake.wants(node.id, split),
        whenWanted: () => backpressure.whenReleased(stopReading.signal),
        instance: options.instance,
        beganMs,
        continues: !options.whole,
        attempts: (doing) => calls.attempts(node, doing, stopReading.signal),
        outOfReach: options.outOfReach,
        cannotAnswer: reportStalls(node.id, clock, observe),
        holds: (requests) => void (progress.requests = { ...progress.requests, [node.id]: requests }),
        warn: (message) => observe({ type: 'warning', node: node.id, message }),
      },
      onSplits(found) {
        lanes.found(node.id, found)
        intake.found(node, found)
        for (const { bytes } of found.splits) progress.totalBytes += bytes ?? 0
        if (found.complete) progress.complete = true
      },
      onCaughtUp(splits) {
        intake.caughtUp(node, splits)
        backpressure.released()
      },
      received(batch) {
        epoch.received(node.id, batch)
        lanes.received(node.id, batch)
        if (node.eventTime) backpressure.released()
      },
      take: (batches) => (isEnding ? undefined : intake.take(node, batches)),
      onPoll: (isPolling) => void (isPolling ? polled.add(node.id) : polled.delete(node.id)),
    }).then(() => {
      // A stop ends no lane: the others may still deliver something, which must close no window of this one.
      if (!stopReading.signal.aborted) {
        intake.ended(node)
        backpressure.released()
      }
      stopIfCaughtUp()
      if (!stopReading.signal.aborted) bad.sourceEnded(node.id)
      endEpochIfDue()
    })
  const writers = sinks.map((node) =>
    runWriter(node, {
      signal: abort.signal,
      calls,
      epoch: () => saved + 1,
      onFail: bad.onFail,
      delivered: options.replayInput.delivered,
      released: backpressure.released,
    }).catch(halt.fail),
  )
  const watermarks = createWatermarks({
    component,
    lanes,
    clock,
    folder: store.folder,
    observe,
    progress,
    polled,
    failing: calls.failing,
    slowSinks: backpressure.full,
    waitsFor: intake.waitsFor,
  })
  const lookForReplays = options.replayInput.start(
    component,
    (letters, report) => {
      if (halt.isHalted || isEnding) return false
      intake.takeLetters(letters, report)
      return true
    },
    halt.fail,
  )
  /** Lanes become idle, or timers of steps due. */
  const hasTime = sources.some((s) => s.eventTime) || steps.some((s) => s.transform.due)
  let lastTickMs = clock.monotonic()
  const ticking = startTicking({
    clock,
    everyMs: options.bounds.tickMs,
    isIdle: () => epoch.isEmpty && !hasTime,
    tick() {
      const elapsed = clock.monotonic() - lastTickMs
      lastTickMs += elapsed
      if (halt.isHalted || isEnding) return
      // Only a source that was polled can be idle.
      intake.tick(elapsed, polled)
      endEpochIfDue()
      watermarks.tick()
      lookForReplays()
    },
  })

  try {
    intake.begin()
    const reading = options.onlyReplay ? [options.replayInput.allHandedOver()] : sources.map(read)
    const unlessStuck = abandonStuckReaders(clock, stopReading.signal, sources, observe)
    await Promise.all(reading.map((each, k) => halt.unlessHalted(unlessStuck(each, k)).catch(halt.fail)))
    await intake.whenIdle()
    const ended = options.whole && !options.onlyReplay && !stopReading.signal.aborted
    if (ended && !halt.isHalted) await intake.end()
    isEnding = true
    while (ending) await ending
    await intake.whenIdle()
    if (!halt.isHalted) await endEpoch({ end: ended || options.intoEnded, roll: true })
    await epochs.whenPublished()
    for (const { queue } of sinks) queue.close()
    await Promise.all(writers)
    if (halt.isHalted) throw halt.failure
    return { ended, caughtUp, done: epochs.takeDone() }
  } catch (error) {
    halt.fail(error)
    await Promise.all(writers)
    if (halt.failure === failedElsewhere)
      return { ended: false, caughtUp: false, done: { stages: [], commitActions: [] } }
    throw await locateFailure(halt.failure, component)
  } finally {
    ticking.stop()
    watermarks.end()
    await order?.close()
    abort.signal.removeEventListener('abort', onAbort)
    for (const signal of [options.stop, abort.signal]) signal.removeEventListener('abort', onStop)
  }
}

/** Reports when a source cannot answer, and when it can again. */
function reportStalls(node: string, clock: Clock, observe: Observer): ReadContext['cannotAnswer'] {
  let sinceMs: number | undefined
  return (why) => {
    if (why && sinceMs === undefined) {
      sinceMs = clock.monotonic()
      observe({ type: 'stalled', node, reason: why.code, message: why.message })
    } else if (!why && sinceMs !== undefined) {
      observe({ type: 'recovered', node, doing: 'answering', afterMs: Math.round(clock.monotonic() - sinceMs) })
      sinceMs = undefined
    }
  }
}

/** A source that ignores the stop signal is abandoned. Nothing of it is lost, and the others drain. */
function abandonStuckReaders(clock: Clock, stop: AbortSignal, sources: readonly SourceNode[], observe: Observer) {
  return (reading: Promise<void>, k: number): Promise<void> =>
    new Promise((resolve, reject) => {
      let cancel = () => {}
      const abandon = () => {
        const { id, package: name } = sources[k]!
        const message = `kept reading for ${graceMs / 1000} s after the stop signal and was abandoned (${name})`
        observe({ type: 'warning', node: id, message })
        resolve()
      }
      const onStop = () => void (cancel = clock.after(graceMs, abandon))
      if (stop.aborted) onStop()
      else stop.addEventListener('abort', onStop, { once: true })
      reading.then(resolve, reject).finally(() => {
        cancel()
        stop.removeEventListener('abort', onStop)
      })
    })
}

/** Turns a record that stopped the run into an error that names its place. */
async function locateFailure(failure: unknown, component: Component): Promise<unknown> {
  if (!(failure instanceof DataStop)) return failure
  const f = failure.failure
  const source = component.sources.find((s) => s.id === f.source)?.source
  const place =
    (await source?.locate?.(f.split, f.position).catch(() => undefined)) ??
    (f.source ? `${f.source}, split ${f.split}, position ${f.position}` : f.id)
  const field = f.field ? ` (field ${f.field})` : ''
  return new MillraceError(f.code, `${f.message ?? f.code}${field}`, {
    node: f.node,
    place: f.node === f.source ? place : `${place}, at ${f.node}`,
    hint: 'fix the input and run again: it resumes where it stopped. Or send bad records to a dead letter: on_error: { data: dead_letter }',
  })
}
