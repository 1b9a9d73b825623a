/**
 * From a reader's batches into the graph: each batch is counted, its bad records are dealt with, its lane moves on, and
 * its rows are handed over, all of it synchronously. Then steps are given the new time.
 *
 * A hand-over completes or it is the last: a failure in it stops the component before anything else can happen. Where
 * the order of several lanes decides what comes out, each batch is noted (order.ts), and after a restart the batches
 * that were noted are taken first, in the order in which they were.
 *
 * One file, since everything here happens in one synchronous pass.
 */
import type { Clock } from '../clock.ts'
import type { Done, Now } from '../connector/index.ts'
import { MillraceError } from '../errors/index.ts'
import type { Batch, Origin, Row, SplitsFound } from '../record/index.ts'
import { Records } from '../record/index.ts'
import type { Answers } from './answers.ts'
import type { BadRecords } from './bad-records.ts'
import { admitBatch } from './admit-batch.ts'
import type { Graph } from './graph.ts'
import type { Lanes } from './lanes.ts'
import type { Component, SourceNode, StepNode } from './nodes.ts'
import type { OpenEpoch } from './open-epoch.ts'
import type { Order, OrderEntry } from './order.ts'
import { cutBatch, recordsIn } from './cut-batch.ts'

export interface Intake {
  /** Takes batches of one source, in order. Resolves when more may come; undefined: at once. */
  take(node: SourceNode, batches: readonly Batch[]): Promise<void> | undefined
  /** Splits were announced. */
  found(node: SourceNode, found: SplitsFound): void
  /** Nothing more is at hand in these splits. */
  caughtUp(node: SourceNode, splits: readonly string[]): void
  /** `elapsedMs` have passed in which the sources `asked` were asked: lanes may become idle, timers of steps be due. */
  tick(elapsedMs: number, asked: ReadonlySet<string>): void
  /** The input has ended. Resolves when every step has given its results. */
  end(): Promise<void>
  /** Whether a split may be read on. */
  wants(source: string, split: string): boolean
  /** Before the first record: steps hear how far time had come when the state was saved. */
  begin(): void
  /** Resolves when nothing is under way between two hand-overs. */
  settled(): Promise<void>
}

export interface IntakeContext {
  readonly component: Component
  readonly clock: Clock
  readonly graph: Graph
  readonly lanes: Lanes
  readonly bad: BadRecords
  /** Absent where no source answers. */
  readonly answers: Answers | undefined
  readonly epoch: OpenEpoch
  /** Absent where no order has to be kept. */
  readonly order: Order | undefined
  /** Step to the sources that reach it. */
  readonly sourcesOf: ReadonlyMap<string, readonly string[]>
  answerNow(source: string, done: Done): void
  /** A batch was taken. */
  onTaken(node: SourceNode, batch: Batch): void
  /** Resolves when the writers have room; undefined: they have. */
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
  /** The clock of what is being taken. */
  let now = clock.now()
  /** What is under way between two hand-overs. */
  let busy: Promise<void> | undefined
  /** Batches that wait for their turn, while the saved order is followed. */
  const held: { readonly node: SourceNode; readonly batch: Batch }[] = []
  let following = order?.left ?? []
  const announced = new Map<string, Set<string>>()

  const handOver = (node: SourceNode, batches: readonly Batch[]) => {
    answers?.begin(node, batches)
    let bytes = 0
    const from: Origin[] = []
    const reads: number[] = []
    for (const batch of batches) {
      bytes += batch.bytes
      reads.push(admitBatch(node, batch, component, bad, answers))
      const high = lanes.move(node.id, batch)
      from.push(node.eventTime ? { source: node.id, batch, high } : { source: node.id, batch })
    }
    const rows = batches.length === 1 ? batches[0]!.rows : batches.flatMap((b) => b.rows as Row[])
    const output = node.pushed.at(-1) ?? node.id
    const records = new Records({ rows, from, pipeline: component.pipeline })
    if (!answers) graph.handOver(output, records, bytes)
    else {
      graph.handOver(output, records, bytes, (all) => {
        answers.decided()
        return answers.admit(all)
      })
      answers.decided()
      for (const { source, done } of answers.takeRefused()) ctx.answerNow(source, done)
      epoch.admitted(answers.takeAdmitted())
    }
    for (const [k, batch] of batches.entries()) {
      bad.passed(node.id, reads[k]!)
      epoch.taken(node, batch, reads[k]!)
      ctx.onTaken(node, batch)
    }
  }

  /** Tells the steps how far time has come. Returns a promise where there is more than there is room for. */
  const tellTime = (end: boolean): Promise<void> | undefined => {
    if (!hasTime && !end) return undefined
    return tellFrom(0, end)
  }
  const tellFrom = (k: number, end: boolean): Promise<void> | undefined => {
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
        if (wait) return wait.then(() => tellFrom(i, end))
      }
      epoch.touch()
      lastWatermark.set(step, watermark)
    }
    return undefined
  }

  /** Runs what ends the component at once where it fails, and remembers what goes on. */
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

  const takeNow = (node: SourceNode, batches: readonly Batch[]): Promise<void> | undefined => {
    now = clock.now()
    for (const batch of order && node.capabilities.replayable ? batches : []) {
      const { split, position, end } = batch
      if (position === undefined) continue
      const more = end ? { end } : {}
      order!.note({ kind: 'batch', source: node.id, split, n: recordsIn(batch), position, ...more, clock: now })
    }
    handOver(node, batches)
    return tellTime(false)
  }

  /** Takes what was noted before the restart, as far as it is there. */
  const follow = (): Promise<void> | undefined => {
    while (following.length > 0) {
      const next = following[0]!
      if (!takeNoted(next)) return undefined
      following = following.slice(1)
      order!.took()
      ctx.released()
      const more = tellTime(false)
      if (more) return more.then(follow)
    }
    while (held.length > 0) {
      const { node, batch } = held.shift()!
      const more = takeNow(node, [batch])
      if (more) return more.then(follow)
    }
    ctx.released()
    return undefined
  }
  const takeNoted = (entry: OrderEntry): boolean => {
    now = entry.clock
    if (entry.kind === 'idle') lanes.becomeIdle(entry.lanes)
    if (entry.kind !== 'batch' || (entry.n === 0 && !entry.end)) return true
    // An edit of the spec may have removed it.
    if (!component.sources.some(({ id }) => id === entry.source)) return true
    const own = held.filter(({ node, batch }) => node.id === entry.source && batch.split === entry.split)
    const there = own.reduce((sum, { batch }) => sum + recordsIn(batch), 0)
    if (there < entry.n) return false
    // A file may have grown since: then it has more records instead of its end.
    const isEnd = entry.end && there === entry.n
    if (isEnd && !own.some(({ batch }) => batch.end)) return false
    let left = entry.n
    for (const each of own) {
      if (left === 0 && !(isEnd && recordsIn(each.batch) === 0)) break
      const at = held.indexOf(each)
      const n = recordsIn(each.batch)
      if (n <= left) held.splice(at, 1)
      const [first, rest] = n <= left ? [each.batch] : cutBatch(each.batch, left, entry.position)
      if (rest) held[at] = { node: each.node, batch: rest }
      handOver(each.node, [first!])
      left -= recordsIn(first!)
    }
    return true
  }
  /** The next batch of the order cannot be had any more. */
  const lost = (source: string, split: string) =>
    new MillraceError(
      'order_lost',
      `split ${split} of ${source} does not give the records again that were read before`,
      {
        place: source,
        hint: 'results that depend on them may have been written already. Put the input back as it was, or start over: pipe state reset PIPELINE',
      },
    )
  const needs = (source: string, split: string): boolean => {
    const wanted = following.reduce(
      (sum, e) => (e.kind === 'batch' && e.source === source && e.split === split ? sum + e.n : sum),
      0,
    )
    const there = held.reduce(
      (sum, { node, batch }) => (node.id === source && batch.split === split ? sum + recordsIn(batch) : sum),
      0,
    )
    return there < wanted
  }

  const needsEnd = (source: string, split: string): boolean =>
    following.some((e) => e.kind === 'batch' && e.source === source && e.split === split && e.end) &&
    !held.some(({ node, batch }) => node.id === source && batch.split === split && batch.end)

  return {
    take(node, batches) {
      return guarded(() => {
        if (following.length === 0 && held.length === 0) {
          const more = takeNow(node, batches)
          ctx.taken()
          return more ? more.then(ctx.room) : ctx.room()
        }
        for (const batch of batches) {
          held.push({ node, batch })
          if (batch.end && needs(node.id, batch.split)) throw lost(node.id, batch.split)
        }
        const more = follow()
        ctx.taken()
        return more ? more.then(ctx.room) : ctx.room()
      })
    },
    found(node, { splits, complete }) {
      if (following.length === 0) return
      const known = announced.get(node.id) ?? new Set<string>()
      for (const { id } of splits) known.add(id)
      announced.set(node.id, known)
      const gone = following.find((e) => e.kind === 'batch' && e.source === node.id && !known.has(e.split))
      if (complete && gone?.kind === 'batch') throw lost(node.id, gone.split)
    },
    caughtUp(node, splits) {
      if (following.length > 0) {
        for (const split of splits) if (needs(node.id, split)) throw lost(node.id, split)
        // No end comes now, for example because `stop` was taken out of the spec.
        following = following.map((e) =>
          e.kind === 'batch' && e.end && e.source === node.id && splits.includes(e.split) ? withoutEnd(e) : e,
        )
        void guarded(follow)
      }
      lanes.caughtUp(node.id, splits)
      ctx.taken()
    },
    tick(elapsedMs, asked) {
      if (busy || following.length > 0 || !hasTime) return
      const idle = lanes.tick(elapsedMs, asked)
      const time = clock.now()
      const isDue = timed.some(({ transform }) => (transform.due?.() ?? Number.POSITIVE_INFINITY) <= time)
      if (idle.length === 0 && !isDue) return
      void guarded(() => {
        now = time
        order?.note(idle.length > 0 ? { kind: 'idle', lanes: idle, clock: now } : { kind: 'clock', clock: now })
        const more = tellTime(false)
        ctx.taken()
        return more
      })
    },
    async end() {
      await guarded(() => tellTime(true))
    },
    wants(source, split) {
      if (following.length === 0) return skewMs === Number.POSITIVE_INFINITY || lanes.wants(source, split, skewMs)
      if (component.sources.find(({ id }) => id === source)!.capabilities.lanes === 'split')
        return needs(source, split) || needsEnd(source, split)
      // One split after the other: in the order in which they were.
      const next = following.find((e) => e.kind === 'batch' && e.source === source && (e.n > 0 || e.end))
      return next?.kind === 'batch' && next.split === split
    },
    begin: () =>
      void guarded(() => {
        const more = tellTime(false)
        return more ? more.then(follow) : follow()
      }),
    async settled() {
      while (busy) await busy
    },
  }
}

const withoutEnd = ({ end: _, ...entry }: Extract<OrderEntry, { kind: 'batch' }>): OrderEntry => entry
