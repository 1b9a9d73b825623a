/** Waiting for an external system until the run stops. */
import { systemClock } from '../clock.ts'
import { SystemError } from '../errors/index.ts'

/** The error that ends a wait when the run stops. `doing`: `waiting for the lock of data/store.db`. */
export const aborted = (doing: string): SystemError =>
  new SystemError('aborted', `stopped while ${doing}`, { retry: true })

/** The promise, or `aborted` as soon as the signal aborts; the outcome of the promise is then ignored. */
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
