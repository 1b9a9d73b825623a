/**
 * System errors that can pass are retried with exponential backoff and full jitter, then stop the run (invariant 8).
 * Errors are recognised by name, since a connector may bring its own copy of core.
 */
import { MillraceError, type SystemError } from '../errors.ts'

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number
  readonly firstMs: number
  readonly maxMs: number
}

export const defaultRetry: RetryPolicy = { attempts: 10, firstMs: 100, maxMs: 5000 }

const named = (error: unknown, name: string): boolean => error instanceof Error && error.name === name

export const isRetryable = (error: unknown): boolean => named(error, 'SystemError') && (error as SystemError).retry
export const isPartial = (error: unknown): boolean => named(error, 'PartialWriteError')

/** Waits `ms`, or until the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })

/** How long to wait before try number `attempt + 1` (attempt counts from 1). */
export const backoffMs = (policy: RetryPolicy, attempt: number): number =>
  Math.min(policy.maxMs, policy.firstMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2)

/** Calls `body` until it succeeds. `onRetry` hears of each failure that is tried again. */
export async function withRetry<T>(
  body: () => Promise<T> | T,
  signal: AbortSignal,
  onRetry: (error: Error, attempt: number, waitMs: number) => void,
  policy = defaultRetry,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body()
    } catch (error) {
      if (!isRetryable(error) || attempt >= policy.attempts || signal.aborted) throw error
      const waitMs = backoffMs(policy, attempt)
      onRetry(error as Error, attempt, waitMs)
      await pause(waitMs, signal)
      if (signal.aborted) throw error
    }
  }
}

/** Any failure as one for a person: what a connector threw, at which node. A record that stopped the run is left as it is: its place is looked up later. */
export function asRunError(error: unknown, node: string, doing: string, exitCode: 1 | 3 = 1): Error {
  if (named(error, 'MillraceError') || named(error, 'DataStop')) return error as Error
  if (named(error, 'SystemError')) {
    const { code, message, hint } = error as SystemError
    return new MillraceError(code, message, { place: `${node}, ${doing}`, hint, exitCode, cause: error })
  }
  const message = error instanceof Error ? error.message : String(error)
  return new MillraceError('unexpected', message, {
    place: `${node}, ${doing}`,
    hint: 'this is likely a bug of the connector or of Millrace: please report it with the stack (run with --verbose)',
    exitCode,
    cause: error,
  })
}
