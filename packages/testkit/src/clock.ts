/** A clock that only moves when told to, for code that takes time as an argument. */

/** Tells the time. */
export interface Clock {
  /** ms since 1970. */
  now(): number
  /** Resolves when the clock has reached this time; rejects with an AbortError if the signal aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A clock that only moves when told to. */
export interface FakeClock extends Clock {
  /** Advances by `ms`, waking sleepers in the order of their times, and lets each run until it waits again. */
  advance(ms: number): Promise<void>
  /** How many sleepers there are. */
  readonly sleepers: number
}

/** Starts at `start`, by default 2024-01-01T00:00Z. */
export function fakeClock(start = Date.UTC(2024, 0, 1)): FakeClock {
  let now = start
  const asleep: { at: number; wake(): void }[] = []
  return {
    now: () => now,
    get sleepers() {
      return asleep.length
    },
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        const sleeper = { at: now + ms, wake: resolve }
        const leave = () => {
          const i = asleep.indexOf(sleeper)
          if (i >= 0) asleep.splice(i, 1)
          reject(new DOMException('the sleep was aborted', 'AbortError'))
        }
        if (signal?.aborted) return leave()
        signal?.addEventListener('abort', leave, { once: true })
        asleep.push(sleeper)
      })
    },
    async advance(ms) {
      const until = now + ms
      for (;;) {
        const due = asleep.filter((sleeper) => sleeper.at <= until).sort((a, b) => a.at - b.at)[0]
        if (!due) break
        asleep.splice(asleep.indexOf(due), 1)
        now = Math.max(now, due.at)
        due.wake()
        await new Promise((resolve) => setImmediate(resolve))
      }
      now = until
    },
  }
}
