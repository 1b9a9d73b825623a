/** Requests: the headers of any request, and GET with limits on addresses, redirects, time and size. */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, type InputType } from 'node:zlib'
import { MillraceError, SystemError } from '@millrace/core'
import type { AuthOptions } from '@millrace/kinds'
import { type Answer, headerOf, tooLarge } from './answer.ts'
import { authorized } from './authorization.ts'
import { type Client, createClient, type Limits } from './connections.ts'

/** An answer with any status; for 2xx the body is complete and decompressed. */
export interface Answered extends Answer {
  /** The final address, after redirects. */
  readonly url: URL
}

/** Keeps connections open between requests. */
export interface Getter {
  /** Follows redirects. Throws `SystemError`: one that can be retried if there was no answer. */
  get(url: URL, signal: AbortSignal): Promise<Answered>
  close(): void
}

/** Limits of a getter. */
export interface GetLimits extends Limits {
  /** Sent to `origin` only: a redirect or link to another host must not carry a token there. */
  readonly headers: Readonly<Record<string, string>>
  readonly origin: string
  /** As the headers, for `origin` only. */
  readonly auth?: AuthOptions | undefined
  readonly maxBytes: number
}

const maxRedirects = 5

/**
 * Headers as names and values in turn. A name and password in the address are sent as basic authentication. Throws
 * `bad_value` for text that is not allowed in a header.
 */
export function headersFor(url: URL, headers: Readonly<Record<string, string>>): string[] {
  const authorization = url.username
    ? `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`
    : undefined
  return Object.entries({ ...(authorization ? { authorization } : {}), ...headers }).flatMap(([name, value]) => {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch (error) {
      // The message names the header, but not its value, which may be a secret.
      throw new MillraceError('bad_value', (error as Error).message, {
        hint: `check for line breaks and invisible characters in the header ${name}`,
        exitCode: 2,
      })
    }
    return [name, value]
  })
}

/** Makes a getter with these limits. */
export function createGetter(limits: GetLimits): Getter {
  const clients = new Map<string, Client>()
  const close = (reason?: Error) => {
    for (const client of clients.values()) client.close(reason)
  }
  const once = (url: URL): Promise<Answer> => {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new SystemError('bad_redirect', `only http: and https: are supported, not ${url.protocol}`)
    const headers = headersFor(url, {
      accept: '*/*',
      'accept-encoding': 'gzip, deflate, br',
      ...(url.origin === limits.origin ? limits.headers : {}),
    })
    let client = clients.get(url.origin)
    if (!client) {
      const plain = createClient(url, limits)
      client = authorized(plain, url.origin === limits.origin ? limits.auth : undefined, {
        ...limits,
        allowPrivate: true,
      })
      clients.set(url.origin, client)
    }
    return client.send({ method: 'GET', path: `${url.pathname}${url.search}`, headers })
  }
  const follow = async (from: URL, signal: AbortSignal): Promise<Answered> => {
    let url = from
    for (let hops = 0; ; hops++) {
      signal.throwIfAborted()
      const answer = await once(url)
      const location = [301, 302, 303, 307, 308].includes(answer.status) ? headerOf(answer, 'location') : undefined
      if (!location) return { ...answer, url, body: await bodyOf(answer, limits.maxBytes) }
      const next = new URL(location, url)
      if (hops === maxRedirects)
        throw new SystemError(
          'bad_redirect',
          `${from.origin}${from.pathname} redirects more than ${maxRedirects} times`,
        )
      if (url.protocol === 'https:' && next.protocol === 'http:')
        throw new SystemError('bad_redirect', `${url.origin} redirects to ${next.origin}, which is not encrypted`)
      url = next
    }
  }
  return {
    async get(url, signal) {
      const stop = () => close(signal.reason as Error)
      signal.addEventListener('abort', stop)
      try {
        return await follow(url, signal)
      } finally {
        signal.removeEventListener('abort', stop)
      }
    },
    close,
  }
}

const decompressors: Readonly<
  Record<string, (body: InputType, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

async function bodyOf(answer: Answer, maxBytes: number): Promise<Buffer> {
  const { body, status } = answer
  const encoding = headerOf(answer, 'content-encoding')
  if (!encoding || encoding === 'identity' || body.length === 0 || status >= 300) return body
  const decompress = decompressors[encoding]
  if (!decompress)
    throw new SystemError('bad_page', `the answer has content-encoding ${encoding}, which is not supported`)
  try {
    return await decompress(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new SystemError('bad_page', `the answer is not ${encoding}`, { retry: true, cause: error })
  }
}
