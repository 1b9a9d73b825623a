/**
 * From a reader's batches into the graph: each batch is counted, its bad records are handled, its lane advances, and
 * its rows are handed over, all synchronously. Then time advances in the steps.
 *
 * A hand-over either completes or is the last one: a failure in it stops the component before anything else can happen.
 * Where the interleaving of several lanes, or of replayed letters and records, decides the results, each batch is
 * logged (order.ts), and a restart first takes the logged batches again in the logged order.
 *
 * This is one file because everything here happens in one synchronous pass.
 */
import type { Clock } from '../clock.ts'
import type { Done, Now } from '../connector/index.ts'
import { MillraceError } from '../errors/index.ts'
import type { Batch, Origin, SplitsFound } from '../record/index.ts'
import { Records } from '../record/index.ts'
import type { Answers } from './answers.ts'
import type { BadRecords } from './bad-records.ts'
import { admitBatch } from './admit-batch.ts'
import { arrivalTimes } from './event-time.ts'
import type { Graph } from './graph.ts'
import type { LaneOf } from './lane.ts'
import type { Lanes } from './lanes.ts'
import type { Letter } from './letters.ts'
import type { Component, SourceNode, StepNode } from './nodes.ts'
import type { OpenEpoch } from './open-epoch.ts'
import type { Order, OrderEntry } from './order.ts'
import type { ReportOutcomes } from './replays.ts'
import { splitBatch, recordsIn } from './split-batch.ts'

export interface Intake {
  /** Takes batches of one source, in order. Resolves when more may come; undefined: immediately. */
  take(node: SourceNode, batches: readonly Batch[]): Promise<void> | undefined
  /** Splits were announced. */
  found(node: SourceNode, found: SplitsFound): void
  /** The source was read to its end. */
  ended(node: SourceNode): void
  /** These splits have nothing more available. */
  caughtUp(node: SourceNode, splits: readonly string[]): void
  /** `elapsedMs` have passed with a poll of these sources pending: lanes may become idle and timers of steps due. */
  tick(elapsedMs: number, polled: ReadonlySet<string>): void
  /** Takes letters, once the logged order is repeated. */
  takeLetters(letters: readonly Letter[], report: ReportOutcomes): void
  /** An epoch is saved: letters may have waited for it. */
  saved(): void
  /** The input has ended. Resolves when every step has emitted its results. */
  end(): Promise<void>
  /** Whether a split may be read further. */
  wants(source: string, split: string): boolean
  /** The lane that has to come further before a split is read, because of `max_skew`. */
  waitsFor(source: string, split: string): LaneOf | undefined
  /** Before the first record: advances the steps to the time at which the state was saved. */
  begin(): void
  /** Resolves when no work is pending between two hand-overs. */
  whenIdle(): Promise<void>
}

export interface IntakeContext {
  readonly component: Component
  readonly clock: Clock
  readonly graph: Graph
  readonly lanes: Lanes
  readonly bad: BadRecords
  /** Absent if no source answers. */
  readonly answers: Answers | undefined
  readonly epoch: OpenEpoch
  /** Absent if the order of the lanes does not matter. */
  readonly order: Order | undefined
  /** Step to the sources that reach it. */
  readonly sourcesOf: ReadonlyMap<string, readonly string[]>
  answerNow(source: string, done: Done): void
  /** Hands letters over to the graph; without `report`: again, as the log says. */
  replay(letters: readonly Letter[], report?: ReportOutcomes): void
  /** A batch was taken. */
  onTaken(node: SourceNode, batch: Batch): void
  /** Resolves when the queues have room; undefined: they have. */
  room(): Promise<void> | undefined
  /** Something was taken: an epoch may be due. */
  taken(): void
  fail(error: unknown): void
  released(): void
}

export function createIntake(ctx: IntakeContext): Intake {
  const { component, clock, graph, lanes, bad, answers, epoch, order } = ctx
  const timed = component.steps.filter((s) => s.transform.advance)
  const hasTime = component.sources.some((s) => s.eventTime) || timed.some((s) => s.transform.due)
  const skewMs = Math.min(...component.sources.map((s) => s.eventTime?.maxSkewMs ?? Number.POSITIVE_INFINITY))
  const lastWatermark = new Map<StepNode, number>()
  /** The clock time of what is being taken: after a restart, that of the log. */
  let now = clock.now()
  /** Work that is pending between two hand-overs. */
  let busy: Promise<void> | undefined
  /** Batches that wait for their turn while the logged order is repeated. */
  const waiting: { readonly node: SourceNode; readonly batch: Batch }[] = []
  /** Sources that were read to their end meanwhile. */
  const waitingEnds = new Set<SourceNode>()
  const endsLane = (id: string) => component.sources.find((s) => s.id === id)?.capabilities.lanes === 'split'
  /** Letters that wait for their turn. */
  const waitingLetters: { readonly letters: readonly Letter[]; readonly report: ReportOutcomes }[] = []
  /** Where the splits of a source are one lane, the end of one decides nothing, and a file may have grown since. */
  let toRepeat = (order?.remaining ?? []).map((e) =>
    e.kind === 'batch' && e.end && !endsLane(e.source) ? withoutEnd(e) : e,
  )
  let isRepeated = false
  const announced = new Map<string, Set<string>>()

  const isTimeDue = (time: number) =>
    timed.some(({ transform }) => (transform.due?.() ?? Number.POSITIVE_INFINITY) <= time)

  const handOver = (node: SourceNode, batches: readonly Batch[]) => {
    answers?.begin(node, batches)
    let bytes = 0
    const from: Origin[] = []
    const reads: number[] = []
    for (const given of batches) {
      const batch = node.eventTime?.arrival ? arrivalTimes(given, now, lanes.high(node.id, given.split)) : given
      bytes += batch.bytes
      reads.push(admitBatch(node, batch, component, bad, answers))
      const high = lanes.advance(node.id, batch)
      from.push(node.eventTime ? { source: node.id, batch, high } : { source: node.id, batch })
    }
    const [first = [], ...others] = batches.map((batch) => batch.rows)
    const rows = others.length === 0 ? first : first.concat(...others)
    const output = node.pushed.at(-1) ?? node.id
    const records = new Records({ rows, from, pipeline: component.pipeline })
    if (!answers) graph.handOver(output, records, bytes)
    else {
      graph.handOver(output, records, bytes, (all) => {
        answers.stopRefusing()
        return answers.admit(all)
      })
      answers.stopRefusing()
      for (const { source, done } of answers.takeRefused()) ctx.answerNow(source, done)
      epoch.addRequests(answers.takeAdmitted())
    }
    for (const [k, batch] of batches.entries()) {
      bad.onRead(node.id, reads[k]!)
      epoch.add(node, batch, reads[k]!)
      ctx.onTaken(node, batch)
    }
  }

  /** A source was read to its end, and all of it was taken: it holds no window back any more. */
  const endLanes = (node: SourceNode): Promise<void> | undefined => {
    now = clock.now()
    order?.append({ kind: 'ended', source: node.id, clock: now })
    lanes.ended(node.id)
    return advanceTime(false)
  }

  /** Advances time in the steps. Returns a promise if they have more results than there is room for. */
  const advanceTime = (end: boolean): Promise<void> | undefined => {
    if (!hasTime && !end) return undefined
    return advanceFrom(0, end)
  }
  const advanceFrom = (k: number, end: boolean): Promise<void> | undefined => {
    for (let i = k; i < timed.length; i++) {
      const step = timed[i]!
      const watermark = end ? Number.POSITIVE_INFINITY : lanes.watermark(ctx.sourcesOf.get(step.id)!)
      const due = step.transform.due?.()
      const isNew = watermark > (lastWatermark.get(step) ?? Number.NEGATIVE_INFINITY)
      if (!end && !isNew && !(due !== undefined && due <= now)) continue
      const at: Now = { watermark, clock: end ? Number.POSITIVE_INFINITY : now, end }
      while (!graph.advance(step, at)) {
        epoch.touch()
        ctx.taken()
        const wait = ctx.room()
        if (wait) return wait.then(() => advanceFrom(i, end))
      }
      epoch.touch()
      lastWatermark.set(step, watermark)
    }
    return undefined
  }

  /** Runs `work`, fails the component immediately if it throws, and tracks it while it is pending. */
  const guarded = (work: () => Promise<void> | undefined): Promise<void> | undefined => {
    try {
      const more = work()
      if (!more) return undefined
      busy = more.catch(ctx.fail).finally(() => {
        busy = undefined
      })
      return busy
    } catch (error) {
      ctx.fail(error)
      throw error
    }
  }

  const takeNow = (node: SourceNode, batches: readonly Batch[]): Promise<void> | undefined =>
    order && !order.isLazy && hasTime ? takeEach(node, batches, 0) : takeTogether(node, batches)
  /** Where the order is logged, time advances after each batch, as it does when the order is repeated. */
  const takeEach = (node: SourceNode, batches: readonly Batch[], from: number): Promise<void> | undefined => {
    for (let k = from; k < batches.length; k++) {
      const more = takeTogether(node, [batches[k]!])
      if (more) return more.then(() => takeEach(node, batches, k + 1))
    }
    return undefined
  }
  const takeTogether = (node: SourceNode, batches: readonly Batch[]): Promise<void> | undefined => {
    now = clock.now()
    for (const batch of order && node.capabilities.replayable ? batches : []) {
      const { split, position, end } = batch
      if (position === undefined) continue
      const more = end && endsLane(node.id) ? { end } : {}
      order!.append({ kind: 'batch', source: node.id, split, n: recordsIn(batch), position, ...more, clock: now })
    }
    handOver(node, batches)
    return advanceTime(false)
  }

  const takeWaitingLetters = (): void => {
    // A failure is reported where it happens.
    if (busy) return void busy.then(takeWaitingLetters).catch(() => {})
    while (waitingLetters.length > 0 && toRepeat.length === 0 && !busy && !order?.lettersWait) {
      const { letters, report } = waitingLetters.shift()!
      void guarded(() => {
        now = clock.now()
        order?.append({ kind: 'letters', letters, clock: now })
        ctx.replay(letters, report)
        const more = advanceTime(false)
        ctx.taken()
        return more?.then(takeWaitingLetters)
      })
    }
  }

  /** Repeats the logged order as far as its batches have arrived. */
  const repeatOrder = (): Promise<void> | undefined => {
    while (toRepeat.length > 0) {
      const next = toRepeat[0]!
      if (!takeOrdered(next)) return undefined
      toRepeat = toRepeat.slice(1)
      order!.repeated()
      ctx.released()
      const more = advanceTime(false)
      if (more) return more.then(repeatOrder)
    }
    if (!isRepeated) lanes.repeated()
    isRepeated = true
    while (waiting.length > 0) {
      const { node, batch } = waiting.shift()!
      const more = takeNow(node, [batch])
      if (more) return more.then(repeatOrder)
    }
    for (const node of waitingEnds) {
      waitingEnds.delete(node)
      const more = endLanes(node)
      if (more) return more.then(repeatOrder)
    }
    ctx.released()
    takeWaitingLetters()
    return undefined
  }
  const takeOrdered = (entry: OrderEntry): boolean => {
    now = entry.clock
    if (entry.kind === 'idle') lanes.markIdle(entry.lanes)
    if (entry.kind === 'followed') lanes.markFollowed(entry.lanes, entry.clock)
    if (entry.kind === 'ended') lanes.markEnded(entry.source)
    if (entry.kind === 'letters') ctx.replay(entry.letters)
    if (entry.kind !== 'batch' || (entry.n === 0 && !entry.end)) return true
    // An edit of the spec may have removed it.
    if (!component.sources.some(({ id }) => id === entry.source)) return true
    const own = waiting.filter(({ node, batch }) => node.id === entry.source && batch.split === entry.split)
    const there = own.reduce((sum, { batch }) => sum + recordsIn(batch), 0)
    if (there < entry.n) return false
    // A file may have grown since: it then has more records where the log has its end.
    const isEnd = entry.end && there === entry.n
    if (isEnd && !own.some(({ batch }) => batch.end)) return false
    let left = entry.n
    for (const each of own) {
      if (left === 0 && !(isEnd && recordsIn(each.batch) === 0)) break
      const at = waiting.indexOf(each)
      const n = recordsIn(each.batch)
      if (n <= left) waiting.splice(at, 1)
      const [first, rest] = n <= left ? [each.batch] : splitBatch(each.batch, left, entry.position)
      if (rest) waiting[at] = { node: each.node, batch: rest }
      handOver(each.node, [first!])
      left -= recordsIn(first!)
    }
    return true
  }
  /** The next batch of the logged order cannot be read any more. */
  const orderLost = (source: string, split: string) =>
    new MillraceError(
      'order_lost',
      `split ${split} of ${source} no longer delivers the records that were read before`,
      {
        place: source,
        hint: 'results that depend on them may have been written already. Restore the input, or start over: pipe state reset PIPELINE',
      },
    )
  const needs = (source: string, split: string): boolean => {
    const wanted = toRepeat.reduce(
      (sum, e) => (e.kind === 'batch' && e.source === source && e.split === split ? sum + e.n : sum),
      0,
    )
    const there = waiting.reduce(
      (sum, { node, batch }) => (node.id === source && batch.split === split ? sum + recordsIn(batch) : sum),
      0,
    )
    return there < wanted
  }

  const needsEnd = (source: string, split: string): boolean =>
    toRepeat.some((e) => e.kind === 'batch' && e.source === source && e.split === split && e.end) &&
    !waiting.some(({ node, batch }) => node.id === source && batch.split === split && batch.end)

  return {
    take(node, batches) {
      return guarded(() => {
        if (toRepeat.length === 0 && waiting.length === 0) {
          const more = takeNow(node, batches)
          ctx.taken()
          return more ? more.then(ctx.room) : ctx.room()
        }
        for (const batch of batches) {
          waiting.push({ node, batch })
          if (batch.end && needs(node.id, batch.split)) throw orderLost(node.id, batch.split)
        }
        const more = repeatOrder()
        ctx.taken()
        return more ? more.then(ctx.room) : ctx.room()
      })
    },
    found(node, { splits, complete, current }) {
      if (toRepeat.length === 0) return
      const known = announced.get(node.id) ?? new Set<string>()
      for (const { id } of splits) known.add(id)
      announced.set(node.id, known)
      const gone = toRepeat.find(
        (e) => e.kind === 'batch' && e.source === node.id && (e.n > 0 || e.end) && !known.has(e.split),
      )
      if ((complete || current) && gone?.kind === 'batch') throw orderLost(node.id, gone.split)
    },
    ended(node) {
      if (toRepeat.length > 0 || waiting.length > 0) waitingEnds.add(node)
      else void guarded(() => endLanes(node))
    },
    caughtUp(node, splits) {
      if (toRepeat.length > 0) {
        for (const split of splits) if (needs(node.id, split)) throw orderLost(node.id, split)
        // The split does not end any more, for example because `stop` was removed from the spec.
        toRepeat = toRepeat.map((e) =>
          e.kind === 'batch' && e.end && e.source === node.id && splits.includes(e.split) ? withoutEnd(e) : e,
        )
        void guarded(repeatOrder)
      }
      lanes.caughtUp(node.id, splits)
      ctx.taken()
    },
    tick(elapsedMs, polled) {
      if (busy || toRepeat.length > 0 || !hasTime) return
      const time = clock.now()
      const idle = lanes.tick(elapsedMs, polled)
      const followed = lanes.follow(time)
      if (idle.length === 0 && followed.length === 0 && !isTimeDue(time)) return
      void guarded(() => {
        now = time
        if (idle.length > 0) order?.append({ kind: 'idle', lanes: idle, clock: now })
        if (followed.length > 0) order?.append({ kind: 'followed', lanes: followed, clock: now })
        if (idle.length + followed.length === 0) order?.append({ kind: 'clock', clock: now })
        const more = advanceTime(false)
        ctx.taken()
        return more
      })
    },
    takeLetters(letters, report) {
      waitingLetters.push({ letters, report })
      takeWaitingLetters()
    },
    saved: takeWaitingLetters,
    async end() {
      await guarded(() => advanceTime(true))
    },
    wants(source, split) {
      if (toRepeat.length === 0) return skewMs === Number.POSITIVE_INFINITY || lanes.wants(source, split, skewMs)
      if (component.sources.find(({ id }) => id === source)!.capabilities.lanes === 'split')
        return needs(source, split) || needsEnd(source, split)
      // One split after the other, in the logged order.
      const next = toRepeat.find((e) => e.kind === 'batch' && e.source === source && (e.n > 0 || e.end))
      return next?.kind === 'batch' && next.split === split
    },
    waitsFor: (source, split) => lanes.waitsFor(source, split, skewMs),
    begin: () =>
      void guarded(() => {
        // What the clock was when the state was saved is not known: steps learn it from the log.
        if (toRepeat.length > 0) now = Number.NEGATIVE_INFINITY
        else if (isTimeDue(now)) order?.append({ kind: 'clock', clock: now })
        const more = advanceTime(false)
        return more ? more.then(repeatOrder) : repeatOrder()
      }),
    async whenIdle() {
      while (busy) await busy
    },
  }
}

const withoutEnd = ({ end: _, ...entry }: Extract<OrderEntry, { kind: 'batch' }>): OrderEntry => entry
