/** When an epoch is over. */
import type { Lanes } from './lanes.ts'
import { allSinks, type Component } from './nodes.ts'
import type { OpenEpoch } from './open-epoch.ts'

/** When an epoch may end, and how far the graph may run ahead of the writers. */
export interface Bounds {
  readonly minRecords: number
  readonly minMs: number
  /** Bytes read, and entries of steps' memory that a save would write: an epoch ends before they are more. */
  readonly maxBytes: number
  readonly maxChanges: number
  /** The same with a sink that can resume only at a roll. */
  readonly holdRecords: number
  readonly holdMs: number
  readonly aheadRows: number
  readonly aheadBytes: number
  readonly tickMs: number
}

/** Defaults for one machine: an epoch costs two disk syncs, and waiting rows cost memory. */
export const defaultBounds: Bounds = {
  minRecords: 10_000,
  minMs: 100,
  maxBytes: 64 << 20,
  maxChanges: 20_000,
  holdRecords: 1_000_000,
  holdMs: 60_000,
  aheadRows: 2000,
  aheadBytes: 4 << 20,
  tickMs: 50,
}

export interface DueContext {
  readonly component: Component
  readonly bounds: Bounds
  readonly epoch: OpenEpoch
  readonly lanes: Lanes
  /** Somebody waits for what becomes of letters in the epoch. */
  readonly hasReplays: () => boolean
}

/**
 * Whether an epoch is to end now, the one before being saved; undefined: not yet. It is when every lane has nothing
 * more at hand (so that an answer never waits for a timer), or a bound is reached. With a sink that can resume only at
 * a roll, when a roll bound of any sink is reached, or letters were replayed; all of them then roll. A file that has to
 * be rolled by the clock ends an epoch without records.
 */
export function createDue({
  component,
  bounds,
  epoch,
  lanes,
  hasReplays,
}: DueContext): () => { roll: boolean } | undefined {
  const sinks = allSinks(component)
  const waitsForRoll = sinks.some((s) => s.capabilities.checkpointsOnRoll)
  const stateful = component.steps.filter((s) => s.transform.changes)
  return () => {
    if (sinks.some((s) => s.sink.full?.())) return { roll: waitsForRoll }
    if (epoch.isEmpty) return undefined
    const { ageMs, records, bytes } = epoch
    if (waitsForRoll) {
      const isDue = records >= bounds.holdRecords || ageMs >= bounds.holdMs || hasReplays()
      return isDue ? { roll: true } : undefined
    }
    const changes = () => stateful.reduce((sum, s) => sum + s.transform.changes!(), 0)
    const isDue =
      records >= bounds.minRecords ||
      ageMs >= bounds.minMs ||
      bytes >= bounds.maxBytes ||
      lanes.allCaughtUp ||
      changes() >= bounds.maxChanges
    return isDue ? { roll: false } : undefined
  }
}
