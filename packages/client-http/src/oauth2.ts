/**
 * Tokens by OAuth 2 client credentials (RFC 6749, 4.4). A token is fetched when it is needed, shared by all requests,
 * and fetched anew a little before it expires, or once when a request with it is refused.
 */
import { hideSecrets, Secret, SystemError } from '@millrace/core'
import { type Answer, headerOf } from './answer.ts'
import { createClient, type Limits, type Request } from './connections.ts'
import { type Authorization, basic, revealed } from './login.ts'
import type { Oauth2Options } from './options.ts'
import { retryAfterMs } from './retry-after.ts'

/** The most that is read of an answer with a token. */
const maxBytes = 1024 * 1024
/** Tokens that are still hidden where a server sends them back: those that requests in flight may have. */
const hiddenTokens = 3

/** Authorizes by a token of its own. */
export function granted(o: Oauth2Options, limits: Limits): Authorization {
  const url = new URL(o.token_url)
  // The user has named this address.
  const client = createClient(url, { ...limits, allowPrivate: true, maxBytes })
  const shown: (() => void)[] = []
  let current: { readonly value: Secret; readonly endsAtMs: number } | undefined
  let fetching: Promise<Secret> | undefined
  const fetchToken = async (): Promise<Secret> => {
    const answer = await client.send(tokenRequest(o, url)).catch((error: unknown) => {
      throw unavailable(error, url)
    })
    const { token, seconds } = tokenOf(answer, url)
    shown.push(hideSecrets([token]))
    if (shown.length > hiddenTokens) shown.shift()!()
    const value = new Secret(`Bearer ${token}`)
    // A request must not arrive after the end of its token.
    const endsAtMs = performance.now() + seconds * 1000 - Math.min(60_000, seconds * 100)
    current = { value, endsAtMs }
    return value
  }
  return {
    value() {
      if (current && performance.now() < current.endsAtMs) return Promise.resolve(current.value)
      return (fetching ??= fetchToken().finally(() => (fetching = undefined)))
    },
    renew(refused) {
      if (current?.value === refused) current = undefined
      return true
    },
    close: client.close,
  }
}

/** The client logs in by Basic, each part encoded as in a form: RFC 6749, 2.3.1. */
function tokenRequest(o: Oauth2Options, url: URL): Request {
  const { scope, audience } = o
  const inForm = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
    ...(audience === undefined ? {} : { audience }),
  })
  const headers = {
    authorization: basic(inForm(o.client_id), inForm(revealed(o.client_secret))),
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  const body = Buffer.from(form.toString())
  return { method: 'POST', path: `${url.pathname}${url.search}`, headers: Object.entries(headers).flat(), body }
}

/** A server of tokens that does not answer; a cause that will not pass keeps its own code. */
function unavailable(error: unknown, url: URL): Error {
  if (!(error instanceof SystemError) || !error.retry) return error as Error
  return new SystemError('token_unavailable', `no token from ${url.origin}${url.pathname}: ${error.message}`, {
    retry: true,
    hint: 'check `token_url` of `auth.oauth2`, and whether its server runs',
    cause: error,
  })
}

/** Of an answer without a token only the name of the error is repeated, since the rest may contain the secret. */
function tokenOf(answer: Answer, url: URL): { readonly token: string; readonly seconds: number } {
  const { status, body } = answer
  const where = `${url.origin}${url.pathname}`
  const { access_token: token, expires_in: expires, error } = objectIn(body)
  if (status === 200 && typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) {
    const seconds = Number(expires)
    // A server that does not say when a token expires refuses it then.
    return { token, seconds: seconds > 0 ? seconds : Number.POSITIVE_INFINITY }
  }
  if (status >= 500 || status === 429 || status === 408)
    throw new SystemError('token_unavailable', `${where} answered ${status} instead of a token`, {
      retry: true,
      waitMs: retryAfterMs(headerOf(answer, 'retry-after')),
      hint: 'the server of tokens is overloaded or broken: ask its operators',
    })
  const why = typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? `: ${error}` : ''
  throw new SystemError('token_refused', `${where} grants no token, it answered ${status}${why}`, {
    hint: 'check `token_url`, `client_id`, `client_secret` and `scope` of `auth.oauth2`',
  })
}

function objectIn(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body.toString('utf8'))) as Readonly<Record<string, unknown>>
  } catch {
    // Not JSON: there is no token in it.
    return {}
  }
}
