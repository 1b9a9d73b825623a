/**
 * A clock that moves only when it is told to. A long wait takes a thousand steps at most: timers that repeat fire at
 * their interval at first, then whenever another hundredth of the wait has passed. Timers that fire once are exact.
 */
import { type Clock, systemClock } from '../clock.ts'

interface Timer {
  atMs: number
  readonly fire: () => void
  readonly everyMs?: number
  readonly isSleep?: boolean
}

/** Virtual time. */
export interface VirtualClock extends Clock {
  /** Moves on to this time, or until `isOver`, firing what is due on the way. Does not move back. */
  moveTo(ms: number, isOver?: () => boolean): Promise<void>
  /** Sets the wall clock back; what is under way takes as long as before. */
  moveBackTo(ms: number): void
  /** When the first of those that sleep wakes; undefined: nobody sleeps. */
  nextWakeMs(): number | undefined
}

export function virtualClock(startMs: number): VirtualClock {
  let now = startMs
  let setBackMs = 0
  const timers = new Set<Timer>()
  const add = (timer: Timer): (() => void) => {
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  const fireDue = (isLast: boolean) => {
    for (const timer of [...timers].toSorted((a, b) => a.atMs - b.atMs)) {
      if (!timers.has(timer)) continue
      if (timer.everyMs === undefined) {
        if (timer.atMs > now) continue
        timers.delete(timer)
        timer.fire()
      } else if (timer.atMs <= now || isLast) {
        timer.atMs = now + timer.everyMs
        timer.fire()
      }
    }
  }
  return {
    now: () => now,
    monotonic: () => now - startMs + setBackMs,
    after: (ms, fire) => add({ atMs: now + ms, fire }),
    every: (ms, fire) => add({ atMs: now + ms, everyMs: ms, fire }),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const wake = () => {
          cancel()
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const cancel = add({ atMs: now + ms, fire: wake, isSleep: true })
        signal.addEventListener('abort', wake)
      }),
    turn: systemClock.turn,
    async moveTo(untilMs, isOver = () => false) {
      const fromMs = now
      while (now < untilMs && !isOver()) {
        const stepMs = (now - fromMs) / 100
        let next = untilMs
        for (const { atMs, everyMs } of timers)
          next = Math.min(next, everyMs === undefined ? Math.max(atMs, now) : Math.max(atMs, now + stepMs))
        now = next
        fireDue(now === untilMs)
        await systemClock.turn()
      }
    },
    moveBackTo(ms) {
      const backMs = Math.max(0, now - ms)
      now -= backMs
      setBackMs += backMs
      for (const timer of timers) timer.atMs -= backMs
    },
    nextWakeMs() {
      const sleeps = [...timers].flatMap(({ isSleep, atMs }) => (isSleep ? atMs : []))
      return sleeps.length > 0 ? Math.min(...sleeps) : undefined
    },
  }
}
