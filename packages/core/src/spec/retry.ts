/** `retry:` as resolved: how often and how long a call to a system is repeated. */
import type { Json } from '../record/index.ts'

/** `forMs`: null: forever. */
export interface RetryRule {
  readonly forMs: number | null
  readonly firstMs: number
  readonly maxMs: number
}

/** What is done where the spec says nothing: a broker may take its time to come back. */
export const defaultRetry: RetryRule = { forMs: 30 * 60_000, firstMs: 100, maxMs: 15_000 }

export function retryRule(value: Json): RetryRule {
  const { for: long, backoff, max_wait } = value as { for: number | 'forever'; backoff: number; max_wait: number }
  return { forMs: long === 'forever' ? null : long, firstMs: backoff, maxMs: max_wait }
}
