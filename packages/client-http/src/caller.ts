/**
 * Requests that may be redirected. Headers, login and client certificate are for one origin: a redirect or a link to
 * another host must not carry them there. Any method follows 307 and 308, which repeat the request as it is; the other
 * redirects turn it into a GET (RFC 9110, 15.4), so only a GET follows them.
 */
import { lookup } from 'node:dns/promises'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { type Env, MillraceError, SystemError } from '@millrace/core'
import { isPublicAddress } from './address.ts'
import { type Answer, headerOf } from './answer.ts'
import { authorized } from './authorization.ts'
import { type Client, createClient, type Limits, type Request } from './connections.ts'
import { basic, revealed } from './login.ts'
import type { HttpOptions } from './options.ts'
import { tlsSettings, trustOf } from './tls.ts'

/** An answer with any status. */
export interface Answered extends Answer {
  /** The final address, after redirects. */
  readonly url: URL
}

/** A request to any address. */
export interface Call extends Omit<Request, 'path'> {
  readonly url: URL
}

/** Requests that start at one origin. */
export interface Caller {
  /** See `Client.reach`; logs in where that needs a request. */
  reach(): Promise<void>
  /** Follows redirects. Throws `SystemError`; `bad_redirect` for one that is not followed. */
  call(call: Call): Promise<Answered>
  /** Ends all connections and requests; may be used again. */
  close(reason?: Error): void
}

/** Beside the options; `allowPrivate` absent: a redirect leads to a private address only from one. */
export interface CallerLimits {
  readonly allowPrivate?: boolean
  readonly maxBytes?: number | undefined
}

/** Makes a caller; nothing is opened before the first request. `env` resolves the paths of certificates. */
export function createCaller(o: HttpOptions, env: Pick<Env, 'resolve'>, own: CallerLimits = {}): Caller {
  const home = new URL(o.url)
  const limits: Limits = {
    timeoutMs: o.timeout,
    maxBytes: own.maxBytes,
    allowPrivate: own.allowPrivate ?? true,
    proxy: o.proxy && revealed(o.proxy),
    tls: tlsSettings(o.tls, env),
  }
  const ownHeaders = headersFor(home, o.headers)
  const main = authorized(createClient(home, limits), o.auth, limits)
  const others = new Map<string, Client>()

  const clientFor = async (url: URL): Promise<Client> => {
    let client = others.get(url.origin)
    if (client) return client
    const allowPrivate = own.allowPrivate ?? (await isPrivate(home))
    client = createClient(url, { ...limits, allowPrivate, tls: trustOf(limits.tls) })
    others.set(url.origin, client)
    return client
  }
  const once = async ({ url, method, headers, body }: Call): Promise<Answer> => {
    const path = `${url.pathname}${url.search}`
    if (url.origin === home.origin) return main.send({ method, path, headers: merged(headers, ownHeaders), body })
    return (await clientFor(url)).send({ method, path, headers, body })
  }
  return {
    reach: main.reach,
    async call(call) {
      let { url } = call
      for (let hops = 0; ; hops++) {
        const answer = await once(hops === 0 ? call : { ...call, url })
        const next = o.redirects === 0 ? undefined : targetOf(answer, url, call.method)
        if (!next) return Object.assign(answer, { url })
        if (hops === o.redirects)
          throw new SystemError(
            'bad_redirect',
            `${call.url.origin}${call.url.pathname} redirects more than ${o.redirects} times`,
            { hint: 'set `url` to the final address, or raise `redirects`' },
          )
        url = next
      }
    },
    close(reason) {
      main.close(reason)
      for (const client of others.values()) client.close(reason)
    },
  }
}

/** Both lists; where one name is in both, as in the second. */
function merged(headers: readonly string[], own: readonly string[]): readonly string[] {
  if (own.length === 0) return headers
  const names = new Set(own.filter((_, i) => i % 2 === 0))
  return [...headers.filter((_, i) => !names.has(headers[i - (i % 2)]!)), ...own]
}

const repeating = new Set([307, 308])
const turning = new Set([301, 302, 303])

/** Where an answer redirects to. Throws `bad_redirect`. */
function targetOf(answer: Answer, from: URL, method: Request['method']): URL | undefined {
  const { status } = answer
  if (!repeating.has(status) && !(method === 'GET' && turning.has(status))) return undefined
  const location = headerOf(answer, 'location')
  if (!location) return undefined
  if (!URL.canParse(location, from.href))
    throw new SystemError('bad_redirect', `${from.origin} redirects to something that is not an address`)
  const to = new URL(location, from)
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new SystemError('bad_redirect', `only http: and https: are supported, not ${to.protocol}`)
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new SystemError('bad_redirect', `${from.origin} redirects to ${to.origin}, which is not encrypted`)
  return to
}

/** Whether a host has an address of this machine or of a private network. */
async function isPrivate({ hostname }: URL): Promise<boolean> {
  const addresses = await lookup(hostname.replace(/^\[(.*)\]$/, '$1'), { all: true }).catch(() => [])
  return addresses.some(({ address }) => !isPublicAddress(address))
}

/**
 * Headers as names and values in turn. A name and password in the address are sent as basic authentication. Throws
 * `bad_value` for text that is not allowed in a header.
 */
function headersFor(url: URL, headers: HttpOptions['headers']): string[] {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), revealed(value)] as const)
  const login = url.username ? basic(decodeURIComponent(url.username), decodeURIComponent(url.password)) : undefined
  return [...(login ? [['authorization', login] as const] : []), ...named].flatMap(([name, value]) => {
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
