/**
 * The moment between two epochs. Taken synchronously, so that positions, the changes of state and counters are as of
 * one moment; then it travels through the queue of every sink. When all writers have come to it, everything before it
 * is with the sinks (invariant 1).
 */
import type { Json } from '../record/index.ts'
import type { Save } from '../store/index.ts'
import type { Request } from './request.ts'

export interface Barrier
  extends Pick<Save, 'positions' | 'lanes' | 'memory' | 'changes' | 'duties' | 'letters' | 'ordered'> {
  readonly epoch: number
  /** Every open file is to be finished and handed out. */
  readonly roll: boolean
  /** The input has ended. */
  readonly end: boolean
  /** Requests to be answered when the epoch is saved. */
  readonly requests: readonly Request[]
  /** Of sources and steps, and what was not let into sinks, as of the barrier. */
  readonly counters: Readonly<Record<string, Json>>
  /** The writer of a sink has come to it. */
  arrive(): void
  /** Resolves when the writers may go on: the epoch is saved and what must be published first is. */
  readonly passed: Promise<void>
}

/** Counts writers down. `all`: resolves when each has come; at once where there are none. */
export function meetingPoint(writers: number): { arrive(): void; readonly all: Promise<void> } {
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
