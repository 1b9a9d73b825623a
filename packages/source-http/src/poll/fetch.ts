/**
 * Fetches pages at the pace that the options and the server ask for. What fails and can pass is thrown as such: the
 * engine repeats it with growing pauses.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { MillraceError, SystemError } from '@millrace/core'
import { type Answered, createGetter, retryAfterMs } from '@millrace/client-http'
import type { PollOptions } from './options.ts'

export interface Fetcher {
  /** A page, with a status of 2xx. */
  fetch(url: URL, ctx: { readonly signal: AbortSignal; warn(message: string): void }): Promise<Answered>
  close(): void
}

/** How often in a row a server may say how long to wait. */
const maxWaits = 20

export function createFetcher(o: PollOptions): Fetcher {
  const headers = Object.fromEntries(
    Object.entries(o.headers).map(([name, value]) => [name.toLowerCase(), text(value)]),
  )
  if (o.token) headers['authorization'] = `Bearer ${text(o.token)}`
  const getter = createGetter({
    headers,
    origin: new URL(o.url).origin,
    timeoutMs: o.timeout,
    maxBytes: o.max_body,
    allowPrivate: o.allow_private,
  })
  const gapMs = o.rate === undefined ? 0 : 1000 / o.rate
  let nextMs = 0
  return {
    async fetch(url, { signal, warn }) {
      const where = `${url.origin}${url.pathname}`
      for (let waits = 0; ; waits++) {
        const now = performance.now()
        if (nextMs > now) await wait(nextMs - now, undefined, { signal })
        nextMs = Math.max(now, nextMs) + gapMs
        const page = await getter.get(url, signal)
        if (page.status >= 200 && page.status < 300) return page
        const afterMs =
          page.status === 429 || page.status === 503 ? retryAfterMs(page.headers['retry-after']) : undefined
        if (afterMs === undefined || waits === maxWaits) throw failureOf(page, where)
        if (afterMs > o.max_wait) {
          throw new MillraceError(
            'asked_to_wait',
            `${where} asks to wait ${Math.ceil(afterMs / 1000)} s, which is longer than \`max_wait\``,
            {
              hint: 'run again later, raise `max_wait`, or lower `rate`',
              exitCode: 3,
            },
          )
        }
        warn(`${where} answered ${page.status} and asks to wait ${Math.ceil(afterMs / 1000)} s`)
        await wait(afterMs, undefined, { signal })
      }
    },
    close: getter.close,
  }
}

/** A secret's value; a plain text stands for one where no spec is involved. */
const text = (value: { reveal(): string } | string): string => (typeof value === 'string' ? value : value.reveal())

function failureOf({ status }: Answered, where: string): SystemError {
  if (status === 401 || status === 403)
    return new SystemError('unauthorized', `${where} answered ${status}: it wants other credentials`, {
      hint: 'look at `token` and `headers`',
    })
  const retry = status >= 500 || [408, 425, 429].includes(status)
  return new SystemError('bad_status', `${where} answered ${status}`, {
    retry,
    ...(retry ? {} : { hint: 'is the address right?' }),
  })
}
