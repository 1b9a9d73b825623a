/** Backpressure: readers wait while the writers are too far behind, and sources while a split is paused. */
import type { Bounds } from './due.ts'
import type { SinkNode } from './nodes.ts'

export interface Backpressure {
  /** Resolves when there is room for more; undefined: there is. */
  wait(): Promise<void> | undefined
  /** The sinks that are too far behind. */
  full(): readonly string[]
  /** Queues drained or splits may continue: wakes everyone who waits, to check again. */
  released(): void
  /** Resolves at the next release, or when the signal aborts. */
  whenReleased(signal: AbortSignal): Promise<void>
}

/** `isHalted`: the writers have stopped, so nothing may wait for them. */
export function createBackpressure(sinks: readonly SinkNode[], bounds: Bounds, isHalted: () => boolean): Backpressure {
  let waiting: (() => void)[] = []
  const isBehind = ({ queue }: SinkNode) => queue.rows > bounds.aheadRows || queue.bytes > bounds.aheadBytes
  const isFull = () => !isHalted() && sinks.some(isBehind)
  const next = () => new Promise<void>((resolve) => waiting.push(resolve))
  return {
    wait() {
      if (!isFull()) return undefined
      return (async () => {
        while (isFull()) await next()
      })()
    },
    full: () => sinks.filter(isBehind).map(({ id }) => id),
    released() {
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
    whenReleased: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const done = () => {
          signal.removeEventListener('abort', done)
          resolve()
        }
        signal.addEventListener('abort', done)
        waiting.push(done)
      }),
  }
}
