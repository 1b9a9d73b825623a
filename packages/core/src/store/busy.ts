/**
 * Locks of SQLite files: the state, the embedded store and the embedded log. `node:sqlite` is synchronous and blocks
 * the process while it waits, so a lock is polled in short attempts, with pauses in between that a signal can end.
 */
import { systemClock } from '../clock.ts'
import { pause } from '../connector/abort.ts'
import { SystemError } from '../errors/index.ts'

/** How long one attempt waits for a lock: the longest time the process is blocked. */
export const busyMs = 250
/** How long a writer waits in total while others hold the lock. */
const timeoutMs = 30_000

/** Whether another connection holds a lock: SQLITE_BUSY, SQLITE_LOCKED. */
export const isBusy = (error: unknown): boolean =>
  [5, 6].includes(((error as { errcode?: number }).errcode ?? 0) & 0xff)

/**
 * Retries until the lock is free, the signal aborts, or 30 s have passed. `body` throws a `SystemError` `store_busy` or
 * `log_busy` while the lock is held. Throws what `body` throws.
 */
export async function retryWhileBusy<T>(path: string, signal: AbortSignal, body: () => T): Promise<T> {
  const startedMs = systemClock.monotonic()
  for (;;) {
    try {
      return body()
    } catch (error) {
      const busy = error instanceof SystemError && /^(store|log)_busy$/.test(error.code)
      if (!busy || systemClock.monotonic() - startedMs > timeoutMs) throw error
    }
    await pause(5 + Math.random() * 20, signal, `waiting for the lock of ${path}`)
  }
}
