/** The only clock and timers that core uses, so that a test can replace them. */
import { setImmediate as turn } from 'node:timers/promises'

/** Time and timers. */
export interface Clock {
  /** Wall-clock time, ms UTC. May be set back. */
  now(): number
  /** Monotonic ms, for durations. */
  monotonic(): number
  /** Calls `fire` once, after `ms`; the returned function cancels it. */
  after(ms: number, fire: () => void): () => void
  /** Calls `fire` every `ms`; the returned function stops it. */
  every(ms: number, fire: () => void): () => void
  /** Resolves after `ms`, or as soon as the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Waits for one turn of the event loop. */
  turn(): Promise<unknown>
}

/** The system's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms)
    return () => clearTimeout(timer)
  },
  every(ms, fire) {
    const timer = setInterval(fire, ms)
    return () => clearInterval(timer)
  },
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const timer = setTimeout(done, ms)
      function done() {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
    }),
  turn,
}
