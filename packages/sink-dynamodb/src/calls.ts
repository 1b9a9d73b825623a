/** Calls that the service may ask us to slow down for: repeated with growing pauses, then left to the engine. */
import { aborted, pause, SystemError } from '@millrace/core'

/** After this many calls in a row that stored nothing, the engine takes over, which knows how long to go on. */
export const fruitless = 5

/** Waits before the call after `failed` fruitless ones. Jitter: writers that were refused together come back apart. */
export function backOff(failed: number, signal: AbortSignal): Promise<unknown> {
  const most = 50 * 2 ** failed
  return pause(most / 2 + Math.random() * (most / 2), signal, 'waiting to write to DynamoDB again')
}

/** Repeats a call while it is throttled. Throws what it throws otherwise, and the last `throttled`. */
export async function patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let failed = 1; ; failed++) {
    if (signal.aborted) throw aborted('writing to DynamoDB')
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'throttled' || failed >= fruitless) throw error
      await backOff(failed, signal)
    }
  }
}

/** Works on all of them, so many at once; the first error ends it. */
export async function atOnce<T>(all: readonly T[], most: number, work: (each: T) => Promise<void>): Promise<void> {
  let next = 0
  let failed = false
  const worker = async () => {
    while (next < all.length && !failed) {
      try {
        await work(all[next++]!)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, worker))
}
