/**
 * Who may ask the console anything. It listens on the loopback address, but every page that a browser of this machine
 * shows can send requests there. So a request must name an address of the console as its host (a name that somebody
 * has pointed at this machine is none), one that changes something must come from the console's own pages, and all
 * must carry the cookie that the token of this process was exchanged for.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403 | 421
  readonly code: 'wrong_host' | 'foreign_origin' | 'no_session'
}

/** The access to one console. */
export interface Access {
  /** In the fragment of the address, which browsers send nowhere. */
  readonly token: string
  /** Whether any request may be answered. */
  refuseHost(request: IncomingMessage): Refusal | undefined
  /** Whether one that changes something may be. */
  refuseOrigin(request: IncomingMessage): Refusal | undefined
  /** Whether it comes from somebody who had the token. */
  refuseSession(request: IncomingMessage): Refusal | undefined
  /** The cookie for this token; undefined: it is another one. */
  cookieFor(token: unknown): string | undefined
}

/** `hosts`: the `HOST:PORT` that the console answers to. `port` names the cookie: browsers share them over ports. */
export function createAccess(hosts: ReadonlySet<string>, port: number): Access {
  const token = randomBytes(24).toString('base64url')
  const session = randomBytes(24).toString('base64url')
  const cookie = `millrace-${port}`
  return {
    token,
    refuseHost: ({ headers }) =>
      hosts.has((headers.host ?? '').toLowerCase()) ? undefined : { status: 421, code: 'wrong_host' },
    refuseOrigin({ headers }) {
      const origin = headers.origin?.toLowerCase()
      const site = headers['sec-fetch-site']
      const own = origin !== undefined && origin.startsWith('http://') && hosts.has(origin.slice('http://'.length))
      const isForeign = !own || (site !== undefined && site !== 'same-origin')
      return isForeign ? { status: 403, code: 'foreign_origin' } : undefined
    },
    refuseSession({ headers }) {
      const given = (headers.cookie ?? '')
        .split(';')
        .map((each) => each.trim())
        .filter((each) => each.startsWith(`${cookie}=`))
        .map((each) => each.slice(cookie.length + 1))
      return given.some((each) => isEqual(each, session)) ? undefined : { status: 401, code: 'no_session' }
    },
    cookieFor: (given) =>
      typeof given === 'string' && isEqual(given, token)
        ? `${cookie}=${session}; HttpOnly; SameSite=Strict; Path=/`
        : undefined,
  }
}

/** Takes equally long however much of it is right. */
function isEqual(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(a!, b!)
}
