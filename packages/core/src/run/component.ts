/**
 * The loop of one connected component of the graph. The order is the guarantee:
 *
 * | | what happens | why there |
 * |---|---|---|
 * | read | sources hand batches to the graph, which runs synchronously; what comes out waits in a queue per sink | no record of the next epoch can slip into this one |
 * | order | where several lanes decide what comes out, their order is synced before the first write that depends on it | a restart must take them in the same order, or it writes something else |
 * | barrier | positions, changes of state and counters are taken at one moment | they are saved as of one cut |
 * | write | writers take their queues up to the barrier | a saved position says that every sink has what came before (invariant 1) |
 * | flush | sinks make durable what no reader sees yet, and name it: stages | what is saved must survive |
 * | save | positions, state, stages, duties: one transaction | either all of the epoch is true or nothing (invariant 2) |
 * | publish | stages are shown | only what is saved may be seen, else a restart shows it again or changed (invariant 3) |
 * | commit | sources are told: answers are sent, files removed | only what is saved and seen may be answered or removed (invariants 3 and 6) |
 *
 * A process that is killed finds at its restart:
 *
 * | killed at | found | what the restart does |
 * |---|---|---|
 * | mid_begin | no incarnation | begins one |
 * | after_read, after_transform | nothing of the batch | reads it again |
 * | before_write, after_write | records with the sinks, no position | reads and writes them again: by id or key, or cut back |
 * | before_flush, after_flush | durable, hidden, not saved | sinks cut back or replace what the epoch wrote |
 * | before_save, mid_save | the same: the transaction never was | the same |
 * | after_save, after_record | the epoch, its stages and duties | publishes the stages, does the duties, then reads on |
 * | before_publish, after_publish | the stage, shown or not | publishes it again: the sink finds it shown |
 * | after_duty | the duty, done or not | does it again: harmless |
 * | after_commit | the epoch, what is done not yet recorded | repeats publishing and duties, harmlessly |
 * | before_record | stages and duties that are done | repeats them |
 * | before_end, after_end | the last epoch; ended or not | goes on with nothing left, or starts over |
 *
 * One failure stops everything at once (halt.ts). graph.ts has what the graph does with a hand-over, intake.ts what
 * comes before it, epoch.ts what follows a barrier.
 *
 * One file, since the order of these steps is the guarantee and must be read in one place.
 */
import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import type { Observer, Progress } from './observe.ts'
import type { Store } from '../store/index.ts'
import { createAnswers } from './answers.ts'
import { createBadRecords, DataStop } from './bad-records.ts'
import { type Barrier, meetingPoint } from './barrier.ts'
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
import { dependents, needsOrder, sourcesOfSteps } from './reach.ts'
import { ownerOf } from './owner.ts'
import type { Replaying } from './replaying.ts'
import { createReplays } from './replays.ts'
import { runReader } from './reader.ts'
import type { Calls } from './retry.ts'
import { createRoom } from './room.ts'
import { graceMs, type Shutdown } from './shutdown.ts'
import { runWriter } from './writer.ts'

export interface ComponentOptions {
  readonly store: Store
  readonly clock: Clock
  readonly calls: Calls
  /** The end of all input ends the run for good: windows close, the incarnation ends. */
  readonly whole: boolean
  /** When it resolves, the run ends as soon as every source has come to the end that is there then. */
  readonly until?: Promise<unknown>
  /** Aborted: stop reading, drain, save, end. */
  readonly stop: AbortSignal
  /** The component is torn down: writers, retries and waits end at once. */
  readonly abort: AbortController
  /** Tears the whole run down because of a failure. */
  readonly tearDown: Shutdown['tearDown']
  readonly observe: Observer
  readonly progress: Progress
  readonly instance: { readonly i: number; readonly n: number }
  readonly bounds: Bounds
  readonly replaying: Replaying
  /** Only letters are taken, and the sources are not read. */
  readonly onlyReplay: boolean
  /** These are taken into a run that has ended, which ends once more. */
  readonly intoEnded: boolean
}

/** How a component ended: `ended`: its input has; else it was stopped. */
export interface Ending {
  readonly ended: boolean
  /** Its sources have come to the end that was there when `until` resolved. */
  readonly caughtUp: boolean
  /** Stages published and duties done, and not recorded so yet. */
  readonly done: { readonly stages: readonly number[]; readonly duties: readonly number[] }
}

/** Why a component stops that did not fail itself: another one of the run failed, or the drain took too long. */
const elsewhere = Symbol('failed elsewhere')

/**
 * Runs the component to its end. Rejects with what stopped it; a failure in another component is reported by that one.
 */
export async function runComponent(component: Component, options: ComponentOptions): Promise<Ending> {
  const { sources, steps, pipeline, deadLetter } = component
  const { store, abort, observe, clock, calls, progress } = options
  const sinks = allSinks(component)
  const halt = createHalt((error) => options.tearDown(() => withPlace(error, component)))
  const room = createRoom(sinks, options.bounds, () => halt.isHalted)
  const epoch = openEpoch(sources, store, clock)
  const lanes = createLanes(sources, store.lanes())
  const lag = lagOf(progress)
  const name = sources[0]!.id
  const order = needsOrder(component)
    ? await openOrder(
        store.folder,
        name,
        { incarnation: store.run()!.incarnation, covered: store.ordered(name) },
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
    ...options.replaying.tools(component),
    high: lanes.high,
    touch: epoch.touch,
  })
  const bad = createBadRecords(component, {
    answers,
    beforeDeadLetter: () => beforeDeadLetter,
    buried: (id, node, isBeingWritten) => replays.buried({ id, node }, isBeingWritten),
    failedAgain: replays.failed,
  })
  const ordered = order ? dependents(component) : new Set<string>()
  const graph = buildGraph({
    steps,
    sinks: component.sinks,
    pipeline,
    onFail: bad.onFail,
    tap: answers?.keepShown,
    ...(order ? { ready: (sink: string) => (ordered.has(sink) ? order.ready : undefined) } : {}),
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
    room: room.wait,
    taken() {
      stopIfCaughtUp()
      endEpochIfDue()
    },
    fail: halt.fail,
    released: room.released,
    onTaken(node, batch) {
      lag(node.id, batch)
      progress.bytes += batch.bytes
    },
    answerNow(id, done) {
      // A request that was refused whole leaves nothing to save.
      const node = sources.find((s) => s.id === id)!
      calls.call(node, 'answering', () => node.source.commit!([done], { signal: abort.signal })).catch(halt.fail)
    },
  })
  const due = createDue({ component, bounds: options.bounds, epoch, lanes, hasReplays: () => replays.areFilling })

  // --- barriers
  const takeBarrier = (how: { readonly end: boolean; readonly roll: boolean }) => {
    const passed = Promise.withResolvers<void>()
    const writers = meetingPoint(component.sinks.length)
    const last = meetingPoint(deadLetter ? 1 : 0)
    const barrier: Barrier = {
      epoch: ++number,
      ...how,
      ...epoch.close(),
      lanes: lanes.changes(),
      letters: replays.close(),
      changes: steps.flatMap((s) =>
        s.transform.cut ? [{ step: s.id, hash: s.plan.stateHash, entries: s.transform.cut() }] : [],
      ),
      counters: snapshot(component.counters),
      arrive: () => (beforeDeadLetter ? writers : last).arrive(),
      passed: passed.promise,
      ...(order ? { ordered: { component: name, seq: order.mark(number) } } : {}),
    }
    beforeDeadLetter = true
    for (const { queue } of component.sinks) queue.push({ barrier })
    /** All writers first, then that of the dead letter, since the others feed it. */
    const passQueues = async () => {
      await halt.unlessHalted(writers.all)
      beforeDeadLetter = false
      deadLetter?.queue.push({ barrier })
      await halt.unlessHalted(last.all)
    }
    return { barrier, passQueues, release: passed.resolve }
  }
  let passQueues = () => Promise.resolve()
  const epochs = createEpochs({
    component,
    store,
    calls,
    halt,
    signal: abort.signal,
    replays,
    passQueues: () => passQueues(),
    published: (sink) => observe({ type: 'published', sink }),
    warn: (node, message) => observe({ type: 'warning', node, message }),
  })

  // --- one epoch
  let ending: Promise<void> | undefined
  const endEpoch = (how: { readonly end: boolean; readonly roll: boolean }): Promise<void> => {
    const startedMs = clock.monotonic()
    const taken = takeBarrier(how)
    passQueues = taken.passQueues
    ending = epochs
      .finish(taken.barrier)
      .then(() => {
        saved = taken.barrier.epoch
        epoch.saved(taken.barrier)
        order?.saved(saved)
        replays.saved()
        observe({ type: 'saved', epoch: saved, durationMs: clock.monotonic() - startedMs })
      })
      .catch(halt.fail)
      .then(() => {
        ending = undefined
        taken.release()
        room.released()
        // What came meanwhile need not wait for the next batch or tick.
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
  const onAbort = () => halt.fail(elsewhere)
  if (abort.signal.aborted) onAbort()
  else abort.signal.addEventListener('abort', onAbort)
  halt.onFail(() => {
    for (const { queue } of sinks) queue.close()
    room.released()
  })
  void options.until?.then(lanes.countDown)
  /** `--until caught_up`: every source is at the end that was there. */
  const stopIfCaughtUp = () => {
    if (!lanes.isAtEnd) return
    caughtUp = true
    onStop()
  }

  // --- reading and writing
  const asked = new Set<string>()
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
        whenWanted: () => room.whenReleased(stopReading.signal),
        instance: options.instance,
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
        room.released()
      },
      received(batch) {
        epoch.received(node.id, batch)
        lanes.received(node.id, batch)
        if (node.eventTime) room.released()
      },
      take: (batches) => (isEnding ? undefined : intake.take(node, batches)),
      asking: (isAsked) => void (isAsked ? asked.add(node.id) : asked.delete(node.id)),
    }).then(() => {
      lanes.ended(node.id)
      stopIfCaughtUp()
      if (!stopReading.signal.aborted) bad.ended(node.id)
      endEpochIfDue()
    })
  const writers = sinks.map((node) =>
    runWriter(node, {
      signal: abort.signal,
      calls,
      epoch: () => saved + 1,
      onFail: bad.onFail,
      delivered: options.replaying.delivered,
      released: room.released,
    }).catch(halt.fail),
  )
  let tickedMs = clock.monotonic()
  const stopTicking = clock.every(options.bounds.tickMs, () => {
    const elapsed = clock.monotonic() - tickedMs
    tickedMs += elapsed
    if (halt.isHalted || isEnding) return
    // A source that is not asked is not idle.
    intake.tick(elapsed, asked)
    endEpochIfDue()
  })
  const stopReplays = options.replaying.start(
    component,
    (letters, told) => {
      if (halt.isHalted || isEnding) return false
      replays.handOver(letters, told)
      endEpochIfDue()
      return true
    },
    halt.fail,
  )

  try {
    intake.begin()
    const reading = options.onlyReplay ? [options.replaying.drained()] : sources.map(read)
    const left = leftBehind(clock, stopReading.signal, sources, observe)
    await Promise.all(reading.map((each, k) => halt.unlessHalted(left(each, k)).catch(halt.fail)))
    await intake.settled()
    const ended = options.whole && !options.onlyReplay && !stopReading.signal.aborted
    if (ended && !halt.isHalted) await intake.end()
    isEnding = true
    while (ending) await ending
    if (!halt.isHalted) await endEpoch({ end: ended || options.intoEnded, roll: true })
    await epochs.settled()
    for (const { queue } of sinks) queue.close()
    await Promise.all(writers)
    if (halt.isHalted) throw halt.failure
    return { ended, caughtUp, done: epochs.takeDone() }
  } catch (error) {
    halt.fail(error)
    await Promise.all(writers)
    if (halt.failure === elsewhere) return { ended: false, caughtUp: false, done: { stages: [], duties: [] } }
    throw await withPlace(halt.failure, component)
  } finally {
    stopTicking()
    stopReplays()
    await order?.close()
    abort.signal.removeEventListener('abort', onAbort)
    for (const signal of [options.stop, abort.signal]) signal.removeEventListener('abort', onStop)
  }
}

/** A source that does not stop when asked is abandoned: nothing of it is lost, and the others drain. */
function leftBehind(clock: Clock, stop: AbortSignal, sources: readonly SourceNode[], observe: Observer) {
  return (reading: Promise<void>, k: number): Promise<void> =>
    new Promise((resolve, reject) => {
      let cancel = () => {}
      const leave = () => {
        const { id, package: name } = sources[k]!
        const message = `went on reading for ${graceMs / 1000} s after it was told to stop, and was left behind (${name})`
        observe({ type: 'warning', node: id, message })
        resolve()
      }
      const onStop = () => void (cancel = clock.after(graceMs, leave))
      if (stop.aborted) onStop()
      else stop.addEventListener('abort', onStop, { once: true })
      reading.then(resolve, reject).finally(() => {
        cancel()
        stop.removeEventListener('abort', onStop)
      })
    })
}

/** A record that stopped the run, as an error that names its place. */
async function withPlace(failure: unknown, component: Component): Promise<unknown> {
  if (!(failure instanceof DataStop)) return failure
  const f = failure.failure
  const source = component.sources.find((s) => s.id === f.source)?.source
  const place =
    (await source?.locate?.(f.split, f.position).catch(() => undefined)) ??
    (f.source ? `${f.source}, split ${f.split}, position ${f.position}` : f.id)
  const field = f.field && !f.message?.includes(f.field) ? ` (field ${f.field})` : ''
  return new MillraceError(f.code, `${f.message ?? f.code}${field}`, {
    place: f.node === f.source ? place : `${place}, at ${f.node}`,
    hint: 'fix the input and run again: it resumes where it stopped. Or let bad records go to a dead letter: on_error: { data: dead_letter }',
  })
}
