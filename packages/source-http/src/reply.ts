/** An answer to a request: a status and a JSON body. */
import type { Json } from '@millrace/core'

export interface Reply {
  readonly status: number
  /** JSON: made once, for everyone who waits for it and for repeated requests. */
  readonly body: string | Buffer
  readonly retryAfter?: number
  /** No more requests are accepted on its connection. */
  readonly closes?: boolean
}

export const refusal = (
  status: number,
  code: string,
  message: string,
  more: Readonly<Record<string, Json>> = {},
): Reply => ({
  status,
  body: JSON.stringify({ error: code, message, ...more }),
})

export const busy = (message: string): Reply => ({ ...refusal(503, 'unavailable', message), retryAfter: 1 })

/** The client should try another gateway, or this one when it is back. */
export const stopped = (message: string): Reply => ({ ...busy(`${message}: send it again later`), closes: true })
