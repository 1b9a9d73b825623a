/** When an epoch ends. */
import type { Lanes } from './lanes.ts'
import { allSinks, type Component } from './nodes.ts'
import type { OpenEpoch } from './open-epoch.ts'

/** When an epoch may end, and how far the graph may run ahead of the writers. */
export interface Bounds {
  readonly minRecords: number
  readonly minMs: number
  /** Upper bounds of an epoch: bytes read, and entries of step memory that its save would write. */
  readonly maxBytes: number
  readonly maxChanges: number
  /** The same if a sink can resume only at a roll (`checkpointsOnRoll`). */
  readonly rollRecords: number
  readonly rollMs: number
  readonly aheadRows: number
  readonly aheadBytes: number
  readonly tickMs: number
}

/** Defaults for one machine: an epoch costs two disk syncs, and queued rows cost memory. */
export const defaultBounds: Bounds = {
  minRecords: 100_000,
  minMs: 100,
  maxBytes: 64 << 20,
  maxChanges: 20_000,
  rollRecords: 1_000_000,
  rollMs: 60_000,
  aheadRows: 2000,
  aheadBytes: 4 << 20,
  tickMs: 50,
}

export interface DueContext {
  readonly component: Component
  readonly bounds: Bounds
  readonly epoch: OpenEpoch
  readonly lanes: Lanes
  /** Whether letters are being replayed in the epoch: a command waits for their outcome. */
  readonly hasReplays: () => boolean
}

/**
 * Whether the epoch is to end now that the previous one is saved; undefined: not yet. It ends when no lane has more
 * available (so that no answer waits for a timer) or when a bound is reached. With a sink that can resume only at a
 * roll, it ends when any sink reaches a bound of its roll or letters were replayed, and then all sinks roll. A file
 * whose roll is due by time ends an epoch even without records.
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
  const stateful = component.steps.filter((s) => s.transform.changeCount)
  return () => {
    if (sinks.some((s) => s.sink.full?.())) return { roll: waitsForRoll }
    if (epoch.isEmpty) return undefined
    const { ageMs, records, bytes } = epoch
    if (waitsForRoll) {
      const isDue = records >= bounds.rollRecords || ageMs >= bounds.rollMs || hasReplays()
      return isDue ? { roll: true } : undefined
    }
    const changes = () => stateful.reduce((sum, s) => sum + s.transform.changeCount!(), 0)
    const isDue =
      records >= bounds.minRecords ||
      ageMs >= bounds.minMs ||
      bytes >= bounds.maxBytes ||
      lanes.allCaughtUp ||
      changes() >= bounds.maxChanges
    return isDue ? { roll: false } : undefined
  }
}
