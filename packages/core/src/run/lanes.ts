/**
 * Lanes: sequences in which event time moves forward, each split for itself or all splits of a source together. A lane
 * knows the highest event time that it has shown, whether it has ended, whether it has nothing more available, and
 * whether that has lasted so long that it counts as idle.
 *
 * A lane's watermark is its highest time - max_out_of_order - 1 ms. The watermark of a step is the lowest of the lanes
 * that reach it and are neither idle nor ended; it never goes back, and where none is left it stays. A lane that was
 * announced and has shown no time holds it.
 */
import type { Batch, CaughtUp, SplitsFound } from '../record/index.ts'
import { highOf } from '../record/index.ts'
import type { Save } from '../store/index.ts'
import type { SourceNode } from './nodes.ts'

interface Lane {
  readonly id: string
  high: number
  /** The same, of what was read and waits to be taken too. */
  readHigh: number
  /** Saved, or part of the epoch before. */
  isSaved: boolean
  caughtUp: boolean
  ended: boolean
  idle: boolean
  /** For so long it has had nothing while it was asked, ms. */
  quietMs: number
  /** How often it has said that it is caught up since the count began. */
  saidSince: number
}

interface OfSource {
  readonly node: SourceNode
  readonly lanes: Map<string, Lane>
  /** Stands for them while there are none: a stream that nobody has made yet, an instance without partitions. */
  readonly none: Lane
  /** No lane was announced yet, and none is: the source has exactly one split. */
  announced: boolean
  ended: boolean
}

export interface Lanes {
  /** Splits were announced. */
  found(source: string, found: SplitsFound): void
  /** A batch has come from its source; the graph takes it later. */
  received(source: string, batch: Batch): void
  /** The graph takes this batch next. Returns the highest event time of its lane before it. */
  move(source: string, batch: Batch): number
  caughtUp(source: string, said: CaughtUp['caughtUp']): void
  ended(source: string): void
  /** No lane of any source has more available. */
  readonly allCaughtUp: boolean
  /** From now on: every lane is to come to the end that is there. */
  countDown(): void
  /**
   * Every lane has. One that says `caughtUp` twice was asked at least once since: the first may have been on its way.
   */
  readonly isAtEnd: boolean
  /** The highest event time of a split's lane; -Infinity: none. */
  high(source: string, split: string): number
  /** The watermark over these sources, ms UTC. */
  watermark(sources: readonly string[]): number
  /** Time has passed in which these sources were asked. Returns the lanes that have become idle now. */
  tick(elapsedMs: number, asked: ReadonlySet<string>): readonly IdleLane[]
  /** The order that was saved says that these lanes were idle at this point. */
  becomeIdle(lanes: readonly IdleLane[]): void
  /** Whether a split may be read on: it is not more than `skewMs` ahead of the slowest lane that has more available. */
  wants(source: string, split: string, skewMs: number): boolean
  /** What changed since the last call, to be saved. */
  changes(): Save['lanes']
}

export interface IdleLane {
  readonly source: string
  readonly lane: string
}

export function createLanes(sources: readonly SourceNode[], saved: Save['lanes']): Lanes {
  const all = new Map<string, OfSource>()
  for (const node of sources) {
    const lanes = new Map<string, Lane>()
    for (const { source, lane, high } of saved) if (source === node.id) lanes.set(lane, made(lane, high, true))
    const none = made('', Number.NEGATIVE_INFINITY, true)
    all.set(node.id, { node, lanes, none, announced: lanes.size > 0, ended: false })
  }
  const laneName = ({ node }: OfSource, split: string): string => (node.capabilities.lanes === 'split' ? split : '')
  const laneOf = (of: OfSource, split: string): Lane => {
    const name = laneName(of, split)
    let lane = of.lanes.get(name)
    if (!lane) of.lanes.set(name, (lane = made(name, Number.NEGATIVE_INFINITY, true)))
    return lane
  }
  /** By the sources that reach a step, the highest watermark it was told; saved as a lane without source. */
  const reached = new Map(saved.flatMap(({ source, lane, high }) => (source === '' ? [[lane, high] as const] : [])))
  const unsavedReached = new Set<string>()
  const lateness = ({ node }: OfSource): number => node.eventTime?.maxOutOfOrderMs ?? Number.POSITIVE_INFINITY
  const watermarkOf = (of: OfSource, lane: Lane): number => lane.high - lateness(of) - 1
  let isCounting = false
  const markCaughtUp = (lane: Lane) => {
    lane.caughtUp = true
    if (isCounting) lane.saidSince++
  }
  const lanesOf = (of: OfSource): Lane[] => (of.lanes.size > 0 ? [...of.lanes.values()] : of.ended ? [] : [of.none])
  const activeLanes = (of: OfSource): Lane[] => lanesOf(of).filter((l) => !l.ended && !l.idle)
  const wake = (lane: Lane) => {
    lane.caughtUp = false
    lane.idle = false
    lane.quietMs = 0
  }

  return {
    found(source, { splits }) {
      const of = all.get(source)!
      const first = !of.announced
      of.announced = true
      const now = Math.min(...activeLanes(of).map((lane) => lane.high))
      for (const { id, parents } of splits) {
        const name = laneName(of, id)
        if (of.lanes.has(name)) continue
        const inherited = (parents ?? []).flatMap((parent) => of.lanes.get(laneName(of, parent))?.high ?? [])
        // A split found later begins at its source's watermark, a child at that of the lowest of its parents.
        const high = inherited.length > 0 ? Math.min(...inherited) : first ? Number.NEGATIVE_INFINITY : now
        of.lanes.set(name, made(name, Number.isFinite(high) ? high : Number.NEGATIVE_INFINITY, !Number.isFinite(high)))
      }
    },
    received(source, batch) {
      const of = all.get(source)!
      if (!of.node.eventTime) return
      const lane = laneOf(of, batch.split)
      lane.readHigh = Math.max(lane.readHigh, highOf(batch))
      if (batch.rows.length > 0) lane.caughtUp = false
    },
    move(source, batch) {
      const of = all.get(source)!
      const lane = laneOf(of, batch.split)
      const before = lane.high
      const hasRecords = batch.rows.length > 0 || (batch.bad?.length ?? 0) > 0
      if (hasRecords) wake(lane)
      if (of.node.eventTime) {
        const high = highOf(batch)
        if (high > lane.high) {
          lane.high = high
          lane.isSaved = false
        }
      }
      if (batch.caughtUp) markCaughtUp(lane)
      if (batch.end && of.node.capabilities.lanes === 'split') lane.ended = true
      return before
    },
    caughtUp(source, said) {
      const of = all.get(source)!
      const names = of.node.capabilities.lanes === 'split' ? said : ['']
      for (const name of names) markCaughtUp(laneOf(of, name))
      if (of.lanes.size === 0) markCaughtUp(of.none)
    },
    ended(source) {
      const of = all.get(source)!
      of.ended = true
      for (const lane of of.lanes.values()) lane.ended = true
    },
    get allCaughtUp() {
      for (const of of all.values()) {
        if (of.ended) continue
        for (const lane of lanesOf(of)) if (!lane.ended && !lane.caughtUp) return false
      }
      return true
    },
    countDown() {
      isCounting = true
    },
    get isAtEnd() {
      if (!isCounting) return false
      for (const of of all.values()) {
        if (of.ended) continue
        for (const lane of lanesOf(of)) if (!lane.ended && lane.saidSince < 2) return false
      }
      return true
    },
    high(source, split) {
      const of = all.get(source)
      return of?.lanes.get(laneName(of, split))?.high ?? Number.NEGATIVE_INFINITY
    },
    watermark(ids) {
      const key = ids.join()
      let low = Number.POSITIVE_INFINITY
      for (const id of ids) {
        const of = all.get(id)!
        for (const lane of activeLanes(of)) low = Math.min(low, watermarkOf(of, lane))
      }
      const before = reached.get(key) ?? Number.NEGATIVE_INFINITY
      const now = low === Number.POSITIVE_INFINITY ? before : Math.max(before, low)
      if (now > before) {
        reached.set(key, now)
        unsavedReached.add(key)
      }
      return now
    },
    tick(elapsedMs, asked) {
      const turned: IdleLane[] = []
      for (const [source, of] of all) {
        const { idleAfterMs } = of.node.eventTime ?? {}
        if (idleAfterMs === undefined || !asked.has(source)) continue
        for (const lane of lanesOf(of)) {
          if (!lane.caughtUp || lane.ended || lane.idle) continue
          lane.quietMs += elapsedMs
          if (lane.quietMs < idleAfterMs) continue
          lane.idle = true
          turned.push({ source, lane: lane.id })
        }
      }
      return turned
    },
    becomeIdle(idle) {
      for (const { source, lane } of idle) {
        const of = all.get(source)!
        const isNone = lane === '' && of.node.capabilities.lanes === 'split'
        ;(isNone ? of.none : laneOf(of, lane)).idle = true
      }
    },
    wants(source, split, skewMs) {
      const own = all.get(source)!.lanes.get(laneName(all.get(source)!, split))
      if (!own || !Number.isFinite(own.readHigh)) return true
      for (const of of all.values()) {
        for (const lane of activeLanes(of))
          if (lane !== own && !lane.caughtUp && own.readHigh > lane.readHigh + skewMs) return false
      }
      return true
    },
    changes() {
      const changed: { source: string; lane: string; high: number }[] = []
      for (const [source, of] of all) {
        for (const lane of of.lanes.values()) {
          if (lane.isSaved || !Number.isFinite(lane.high)) continue
          lane.isSaved = true
          changed.push({ source, lane: lane.id, high: lane.high })
        }
      }
      for (const key of unsavedReached) changed.push({ source: '', lane: key, high: reached.get(key)! })
      unsavedReached.clear()
      return changed
    },
  }
}

const made = (id: string, high: number, isSaved: boolean): Lane => ({
  id,
  high,
  readHigh: high,
  isSaved,
  caughtUp: false,
  ended: false,
  idle: false,
  quietMs: 0,
  saidSince: 0,
})
