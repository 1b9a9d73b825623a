/** A clock that moves only when a test says so. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/clock.ts'

export interface TestClock extends Clock {
  /** Advances, and fires what is due on the way. */
  advance(ms: number): void
}

export function testClock(startMs = 0): TestClock {
  let now = startMs
  const timers = new Set<{ at: number; every: number | undefined; fire: () => void }>()
  const add = (at: number, every: number | undefined, fire: () => void) => {
    const timer = { at, every, fire }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    now: () => now,
    monotonic: () => now,
    after: (ms, fire) => add(now + ms, undefined, fire),
    every: (ms, fire) => add(now + ms, ms, fire),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const cancel = add(now + ms, undefined, resolve)
        signal.addEventListener('abort', () => {
          cancel()
          resolve()
        })
        if (signal.aborted) resolve()
      }),
    turn,
    advance(ms) {
      const until = now + ms
      for (;;) {
        const next = [...timers].filter((t) => t.at <= until).sort((a, b) => a.at - b.at)[0]
        if (!next) break
        now = Math.max(now, next.at)
        if (next.every === undefined) timers.delete(next)
        else next.at += next.every
        next.fire()
      }
      now = until
    },
  }
}
