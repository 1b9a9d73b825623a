/**
 * The boundary between two epochs. It captures positions, changes of state and counters synchronously, so that they
 * belong to one moment, and then travels through the queue of every sink. When all writers have reached it, the sinks
 * have everything that came before it (invariant 1).
 */
import type { Json } from '../record/index.ts'
import type { Save } from '../store/index.ts'
import type { Request } from './request.ts'

export interface Barrier
  extends Pick<Save, 'positions' | 'lanes' | 'memory' | 'changes' | 'commitActions' | 'ordered'> {
  readonly epoch: number
  /** Every open file is to be closed and returned as a stage. */
  readonly roll: boolean
  /** The input has ended. */
  readonly end: boolean
  /** Requests to answer once the epoch is saved. */
  readonly requests: readonly Request[]
  /** As of the barrier: of sources and steps, and for sinks what was gated or replayed. */
  readonly counters: Readonly<Record<string, Json>>
  /** Called by each writer that reaches the barrier. */
  arrive(): void
  /** Resolves when the writers may continue: the epoch is saved, and whatever must be published first is published. */
  readonly passed: Promise<void>
}

/** Waits for a number of writers. `all` resolves when each has arrived, immediately if there are none. */
export function countdown(writers: number): { arrive(): void; readonly all: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = writers
  if (left === 0) resolve()
  return {
    arrive: () => {
      if (--left === 0) resolve()
    },
    all: promise,
  }
}
