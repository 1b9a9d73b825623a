/**
 * Fetches pages at the rate of the options. Transient failures are thrown with the wait that the server asks for, and
 * the engine retries.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { type Env, SystemError } from '@millrace/core'
import { type Answered, createCaller, get, headerOf, retryAfterMs } from '@millrace/client-http'
import type { PollOptions } from './options.ts'

export interface Fetcher {
  /** A page, with a status of 2xx. */
  fetch(url: URL, signal: AbortSignal): Promise<Answered>
  close(): void
}

/** `env` resolves the paths of certificates. */
export function createFetcher(o: PollOptions, env: Pick<Env, 'resolve'>): Fetcher {
  const caller = createCaller(o, env, { allowPrivate: o.allow_private, maxBytes: o.max_body })
  const gapMs = o.rate === undefined ? 0 : 1000 / o.rate
  let nextMs = 0
  return {
    async fetch(url, signal) {
      const now = performance.now()
      if (nextMs > now) await wait(nextMs - now, undefined, { signal })
      nextMs = Math.max(now, nextMs) + gapMs
      const page = await get(caller, url, o.max_body, signal)
      if (page.status >= 200 && page.status < 300) return page
      throw failureOf(page)
    },
    close: caller.close,
  }
}

function failureOf(page: Answered): SystemError {
  const { status, url } = page
  const where = `${url.origin}${url.pathname}`
  if (status === 401 || status === 403)
    return new SystemError('unauthorized', `${where} answered ${status}: it does not accept the credentials`, {
      hint: 'check `auth` and `headers`',
    })
  const retry = status >= 500 || [408, 425, 429].includes(status)
  const waitMs = retry ? retryAfterMs(headerOf(page, 'retry-after')) : undefined
  if (waitMs !== undefined)
    return new SystemError(
      'asked_to_wait',
      `${where} answered ${status} and asks to wait ${Math.ceil(waitMs / 1000)} s`,
      { retry, waitMs, hint: 'run again later, raise `for` of `retry`, or lower `rate`' },
    )
  return new SystemError('bad_status', `${where} answered ${status}`, {
    retry,
    hint: retry ? undefined : 'is the address right?',
  })
}
