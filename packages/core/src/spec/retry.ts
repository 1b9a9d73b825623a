/** `retry:` as resolved: how long, and at which intervals, a call to a system is retried. */
import type { Json } from '../record/index.ts'

/** `forMs`: null: without limit. */
export interface RetryRule {
  readonly forMs: number | null
  readonly firstMs: number
  readonly maxMs: number
}

/** The default: long enough for a broker to come back. */
export const defaultRetry: RetryRule = { forMs: 30 * 60_000, firstMs: 100, maxMs: 15_000 }

export function retryRule(value: Json): RetryRule {
  const { for: long, backoff, max_wait } = value as { for: number | 'forever'; backoff: number; max_wait: number }
  return { forMs: long === 'forever' ? null : long, firstMs: backoff, maxMs: max_wait }
}
