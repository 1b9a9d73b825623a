/** Backpressure: readers wait while the writers are too far behind, and sources while a split is held back. */
import type { Bounds } from './due.ts'
import type { SinkNode } from './nodes.ts'

export interface Room {
  /** Resolves when the writers have room for more; undefined: they have. */
  wait(): Promise<void> | undefined
  /** Rows were let go, or splits: whoever waits looks again. */
  released(): void
  /** Resolves at the next release, or when the signal aborts. */
  whenReleased(signal: AbortSignal): Promise<void>
}

/** `isOver`: nobody writes any more, so nobody is to wait. */
export function createRoom(sinks: readonly SinkNode[], bounds: Bounds, isOver: () => boolean): Room {
  let waiting: (() => void)[] = []
  const isFull = () =>
    !isOver() && sinks.some(({ queue }) => queue.rows > bounds.aheadRows || queue.bytes > bounds.aheadBytes)
  const next = () => new Promise<void>((resolve) => waiting.push(resolve))
  return {
    wait() {
      if (!isFull()) return undefined
      return (async () => {
        while (isFull()) await next()
      })()
    },
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
