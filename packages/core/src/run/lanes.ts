/**
 * Lanes: sequences with a watermark of their own, either each split by itself or all splits of a source together. A
 * lane records its highest event time so far, whether it has ended, whether it has caught up with its input, and
 * whether that has lasted so long that it counts as idle.
 *
 * A lane's watermark is its highest event time - max_out_of_order - 1 ms. The watermark of a step is the lowest
 * among the lanes that reach it and are neither idle nor ended. It never goes back. If no such lane is left, it is
 * the highest among those that have ended, whichever was the last (docs/decisions/20261202-ends-of-lanes.md). A lane
 * that was announced but has had no record yet holds the watermark back.
 */
import type { Batch, CaughtUp, SplitsFound } from '../record/index.ts'
import { highOf } from '../record/index.ts'
import type { Save, SavedLane } from '../store/index.ts'
import { hasEnded, isActive, type Lane, type LaneNow, type LaneOf, newLane, watermarkOver } from './lane.ts'
import type { SourceNode } from './nodes.ts'

/** How far a lane of arrival times stays behind the clock, and how often it follows. */
const followMs = 1000

interface SourceLanes {
  readonly node: SourceNode
  readonly lanes: Map<string, Lane>
  /** Stands in while there are no lanes: a stream that does not exist yet, an instance without partitions. */
  readonly placeholder: Lane
  /** Splits were announced; a source with exactly one split announces none. */
  announced: boolean
  ended: boolean
}

export interface Lanes {
  /** Splits were announced. */
  found(source: string, found: SplitsFound): void
  /** A batch has arrived; the graph takes it later. */
  received(source: string, batch: Batch): void
  /** The graph takes this batch next. Returns the highest event time of its lane before it, for late rules. */
  advance(source: string, batch: Batch): number
  caughtUp(source: string, splits: CaughtUp['caughtUp']): void
  ended(source: string): void
  /** The logged order has this source end at this point. */
  markEnded(source: string): void
  /** No lane of any source has more available. */
  readonly allCaughtUp: boolean
  /** From now on `hasCaughtUp` tracks whether every lane has reached the end its input has now. */
  startCatchUp(): void
  /**
   * Every lane has caught up since `startCatchUp`. It takes two reports per lane: the first may have been in flight at
   * the start, so only the second proves a poll since then.
   */
  readonly hasCaughtUp: boolean
  /** The highest event time of a split's lane; -Infinity: none. */
  high(source: string, split: string): number
  /** The watermark over these sources, ms UTC. */
  watermark(sources: readonly string[]): number
  /** The same as it was when `watermark` was last asked. */
  reached(sources: readonly string[]): number
  /** Every lane of sources with event time; of a source without lanes, one without a name. */
  all(): readonly LaneNow[]
  /** Time has passed with a poll of these sources pending. Returns the lanes that have just become idle. */
  tick(elapsedMs: number, polled: ReadonlySet<string>): readonly LaneOf[]
  /** The logged order has these lanes become idle at this point. */
  markIdle(lanes: readonly LaneOf[]): void
  /**
   * Lanes of arrival times that have caught up follow the clock, a second behind. Returns those that it moved, at most
   * once a second each.
   */
  follow(clockMs: number): readonly LaneOf[]
  /** The logged order has these lanes follow the clock at this point. */
  markFollowed(lanes: readonly LaneOf[], clockMs: number): void
  /** What came after the last save was repeated: lanes that had ended by then may have more. */
  repeated(): void
  /** Whether a split may be read further: at most `skewMs` ahead of the slowest lane that has more available. */
  wants(source: string, split: string, skewMs: number): boolean
  /** The lane for which it may not be read further. */
  waitsFor(source: string, split: string, skewMs: number): LaneOf | undefined
  /** What changed since the last call, to be saved. */
  changes(): Save['lanes']
}

export function createLanes(sources: readonly SourceNode[], saved: Save['lanes']): Lanes {
  const all = new Map<string, SourceLanes>()
  for (const node of sources) {
    const lanes = new Map<string, Lane>()
    const none = newLane('', Number.NEGATIVE_INFINITY, true)
    for (const { source, lane, high, state, floor } of saved) {
      if (source !== node.id) continue
      const isNone = lane === '' && node.capabilities.lanes === 'split'
      const restored = isNone ? none : newLane(lane, high, true)
      restored.floor = floor
      restored.idle = state === 'idle'
      restored.hadEnded = state === 'ended'
      if (!isNone) lanes.set(lane, restored)
    }
    all.set(node.id, { node, lanes, placeholder: none, announced: lanes.size > 0, ended: false })
  }
  const laneName = ({ node }: SourceLanes, split: string): string => (node.capabilities.lanes === 'split' ? split : '')
  const laneOf = (of: SourceLanes, split: string): Lane => {
    const name = laneName(of, split)
    let lane = of.lanes.get(name)
    if (!lane) of.lanes.set(name, (lane = newLane(name, Number.NEGATIVE_INFINITY, true)))
    return lane
  }
  const namedLane = (of: SourceLanes, lane: string): Lane =>
    lane === '' && of.node.capabilities.lanes === 'split' ? of.placeholder : laneOf(of, lane)
  /** The last watermark of a step, by the sources that reach it; saved as a lane without source. */
  const lastWatermarks = new Map(
    saved.flatMap(({ source, lane, high }) => (source === '' ? [[lane, high] as const] : [])),
  )
  const unsavedWatermarks = new Set<string>()
  const outOfOrderMs = ({ node }: SourceLanes): number => node.eventTime?.maxOutOfOrderMs ?? Number.POSITIVE_INFINITY
  const watermarkOf = (of: SourceLanes, lane: Lane): number => lane.high - outOfOrderMs(of) - 1
  const end = (lane: Lane) => {
    if (!lane.ended) lane.isSaved = false
    lane.ended = true
  }
  let isCatchingUp = false
  const markCaughtUp = (lane: Lane) => {
    lane.caughtUp = true
    if (isCatchingUp) lane.caughtUpCount++
  }
  const lanesOf = (of: SourceLanes): Lane[] =>
    of.lanes.size > 0 ? [...of.lanes.values()] : of.ended ? [] : [of.placeholder]
  const activeLanes = (of: SourceLanes): Lane[] => lanesOf(of).filter(isActive)
  const nowOf = (of: SourceLanes): LaneNow[] =>
    lanesOf(of).map((lane) => ({ node: of.node, lane, isActive: isActive(lane), watermark: watermarkOf(of, lane) }))
  const waitsFor = (source: string, split: string, skewMs: number): LaneOf | undefined => {
    const own = all.get(source)!.lanes.get(laneName(all.get(source)!, split))
    if (!own || !Number.isFinite(own.readHigh)) return undefined
    for (const [id, of] of all) {
      for (const lane of activeLanes(of))
        if (lane !== own && !lane.caughtUp && own.readHigh > lane.readHigh + skewMs)
          return { source: id, lane: lane.id }
    }
    return undefined
  }
  const wake = (lane: Lane) => {
    if (lane.idle || lane.hadEnded) lane.isSaved = false
    lane.caughtUp = false
    lane.idle = lane.hadEnded = false
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
        // A split found later starts at its source's watermark, a child split at that of its slowest parent.
        const high = inherited.length > 0 ? Math.min(...inherited) : first ? Number.NEGATIVE_INFINITY : now
        // Saved though it has no record yet: a restart could not tell it from one found later.
        of.lanes.set(name, newLane(name, Number.isFinite(high) ? high : Number.NEGATIVE_INFINITY, false))
      }
    },
    received(source, batch) {
      const of = all.get(source)!
      if (!of.node.eventTime) return
      const lane = laneOf(of, batch.split)
      lane.readHigh = Math.max(lane.readHigh, highOf(batch))
      if (batch.rows.length > 0) lane.caughtUp = false
    },
    advance(source, batch) {
      const of = all.get(source)!
      const lane = laneOf(of, batch.split)
      const before = lane.floor === undefined ? lane.high : Math.max(lane.high, lane.floor + outOfOrderMs(of) + 1)
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
      if (batch.end && of.node.capabilities.lanes === 'split') end(lane)
      return before
    },
    caughtUp(source, splits) {
      const of = all.get(source)!
      for (const name of of.node.capabilities.lanes === 'split' ? splits : ['']) markCaughtUp(laneOf(of, name))
      if (of.lanes.size === 0) markCaughtUp(of.placeholder)
    },
    ended(source) {
      const of = all.get(source)!
      of.ended = true
      for (const lane of of.lanes.values()) end(lane)
    },
    markEnded(source) {
      const of = all.get(source)
      for (const lane of of ? lanesOf(of) : []) {
        lane.hadEnded = true
        lane.isSaved = false
      }
    },
    get allCaughtUp() {
      for (const of of all.values()) {
        if (of.ended) continue
        for (const lane of lanesOf(of)) if (!lane.ended && !lane.caughtUp) return false
      }
      return true
    },
    startCatchUp() {
      isCatchingUp = true
    },
    get hasCaughtUp() {
      if (!isCatchingUp) return false
      for (const of of all.values()) {
        if (of.ended) continue
        for (const lane of lanesOf(of)) if (!lane.ended && lane.caughtUpCount < 2) return false
      }
      return true
    },
    high(source, split) {
      const of = all.get(source)
      return of?.lanes.get(laneName(of, split))?.high ?? Number.NEGATIVE_INFINITY
    },
    watermark(ids) {
      const key = ids.join()
      const before = lastWatermarks.get(key) ?? Number.NEGATIVE_INFINITY
      const now = Math.max(before, watermarkOver(ids.flatMap((id) => nowOf(all.get(id)!))))
      if (now > before) {
        lastWatermarks.set(key, now)
        unsavedWatermarks.add(key)
      }
      return now
    },
    reached: (ids) => lastWatermarks.get(ids.join()) ?? Number.NEGATIVE_INFINITY,
    all: () => [...all.values()].flatMap((of) => (of.node.eventTime ? nowOf(of) : [])),
    tick(elapsedMs, polled) {
      const nowIdle: LaneOf[] = []
      for (const [source, of] of all) {
        const { idleAfterMs } = of.node.eventTime ?? {}
        if (idleAfterMs === undefined || !polled.has(source)) continue
        for (const lane of lanesOf(of)) {
          if (!lane.caughtUp || lane.ended || lane.idle) continue
          lane.quietMs += elapsedMs
          if (lane.quietMs < idleAfterMs) continue
          lane.idle = true
          lane.isSaved = false
          nowIdle.push({ source, lane: lane.id })
        }
      }
      return nowIdle
    },
    markIdle(idle) {
      for (const { source, lane } of idle) {
        const found = namedLane(all.get(source)!, lane)
        found.idle = true
        found.isSaved = false
      }
    },
    follow(clockMs) {
      const moved: LaneOf[] = []
      for (const [source, of] of all) {
        if (!of.node.eventTime?.arrival || of.ended) continue
        for (const lane of lanesOf(of))
          if (lane.caughtUp && !lane.ended && clockMs - followMs >= lane.high + followMs) {
            lane.high = clockMs - followMs
            lane.isSaved = false
            moved.push({ source, lane: lane.id })
          }
      }
      return moved
    },
    markFollowed(moved, clockMs) {
      for (const { source, lane } of moved) {
        const of = all.get(source)
        if (!of) continue
        const found = namedLane(of, lane)
        found.high = Math.max(found.high, clockMs - followMs)
        found.isSaved = false
      }
    },
    repeated() {
      for (const of of all.values()) for (const lane of [of.placeholder, ...of.lanes.values()]) lane.hadEnded = false
    },
    wants: (source, split, skewMs) => waitsFor(source, split, skewMs) === undefined,
    waitsFor,
    changes() {
      const changed: SavedLane[] = []
      for (const [source, of] of all) {
        if (!of.node.eventTime) continue
        for (const lane of [of.placeholder, ...of.lanes.values()]) {
          if (lane.isSaved) continue
          lane.isSaved = true
          const state = hasEnded(lane) ? 'ended' : lane.idle ? 'idle' : 'active'
          changed.push({ source, lane: lane.id, high: lane.high, state, floor: lane.floor })
        }
      }
      for (const key of unsavedWatermarks)
        changed.push({ source: '', lane: key, high: lastWatermarks.get(key)!, state: 'active' })
      unsavedWatermarks.clear()
      return changed
    },
  }
}
