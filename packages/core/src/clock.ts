/** The one clock that core takes time and timers from, so that a test can stand another in its place. */
import { setImmediate as turn } from 'node:timers/promises'

/** Time and timers. */
export interface Clock {
  /** Wall-clock time, ms UTC. May be set back. */
  now(): number
  /** Ms that only ever grow, for durations. */
  monotonic(): number
  /** Calls `fire` once, after `ms`; what it returns takes that back. */
  after(ms: number, fire: () => void): () => void
  /** Calls `fire` every `ms`; what it returns ends that. */
  every(ms: number, fire: () => void): () => void
  /** Resolves after `ms`, or as soon as the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Lets the event loop go round once. */
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
