/** Waiting for a system outside, until the run is told to stop. */
import { systemClock } from '../clock.ts'
import { SystemError } from '../errors/index.ts'

/** What a wait ends with when the run is told to stop. `doing`: `waiting for the lock of data/store.db`. */
export const aborted = (doing: string): SystemError =>
  new SystemError('aborted', `stopped while ${doing}`, { retry: true })

/** The promise, or `aborted` as soon as the signal aborts; what the promise comes to is then ignored. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, doing: string): Promise<T> {
  let stop = () => {}
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(aborted(doing))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
  promise.catch(() => {})
  try {
    return await Promise.race([promise, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Waits `ms`; rejects with `aborted` as soon as the signal aborts. */
export async function pause(ms: number, signal: AbortSignal, doing: string): Promise<void> {
  await systemClock.sleep(ms, signal)
  if (signal.aborted) throw aborted(doing)
}
