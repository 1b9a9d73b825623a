/**
 * The `Authorization` of requests. A token by OAuth 2 client credentials (RFC 6749, 4.4) is fetched when it is needed,
 * shared by all requests, and fetched anew a little before its end, or once when a request with it is refused.
 */
import { MillraceError, Secret, SystemError } from '@millrace/core'
import type { AuthOptions } from '@millrace/kinds'
import type { Answer } from './answer.ts'
import { type Client, createClient, type Limits, type Request } from './connections.ts'

/** What authorizes requests. */
interface Authorization {
  /** The value of the header. */
  value(): Promise<Secret>
  /** A request with this value was refused. True: another one may be accepted. */
  renew(refused: Secret): boolean
}

/** The value of a secret; plain text replaces one where no spec is involved. */
export const revealed = (value: Secret | string): string => (typeof value === 'string' ? value : value.reveal())

/** A client whose requests are authorized; without `auth` the client itself. */
export function authorized(client: Client, auth: AuthOptions | undefined, limits: Limits): Client {
  if (!auth) return client
  const authorization = auth.oauth2 ? granted(auth.oauth2, limits) : fixed(auth)
  const once = (request: Request, value: Secret): Promise<Answer> =>
    client.send({ ...request, headers: [...request.headers, 'authorization', value.reveal()] })
  return {
    async reach() {
      await authorization.value()
      await client.reach()
    },
    async send(request) {
      const value = await authorization.value()
      const answer = await once(request, value)
      return answer.status === 401 && authorization.renew(value) ? once(request, await authorization.value()) : answer
    },
    close: (reason) => {
      client.close(reason)
    },
  }
}

function fixed({ basic, bearer }: AuthOptions): Authorization {
  const value = new Secret(
    basic
      ? `Basic ${Buffer.from(`${basic.username}:${revealed(basic.password)}`).toString('base64')}`
      : `Bearer ${revealed(bearer!)}`,
  )
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value.reveal()))
    throw new MillraceError('bad_value', '`auth` has a character that a header cannot contain', {
      hint: 'check the secret for line breaks and invisible characters',
      exitCode: 2,
    })
  return { value: () => Promise.resolve(value), renew: () => false }
}

function granted(o: NonNullable<AuthOptions['oauth2']>, limits: Limits): Authorization {
  const url = new URL(o.token_url)
  let current: { readonly value: Secret; readonly endsAtMs: number } | undefined
  let fetching: Promise<Secret> | undefined
  const fetchToken = async (): Promise<Secret> => {
    // Of its own for each token, as the server is seldom asked.
    const client = createClient(url, { ...limits, maxBytes: 1024 * 1024 })
    try {
      const { token, seconds } = tokenOf(await client.send(tokenRequest(o, url)), url)
      const value = new Secret(`Bearer ${token}`)
      // A request must not arrive after the end of its token.
      current = { value, endsAtMs: performance.now() + seconds * 1000 - Math.min(60_000, seconds * 100) }
      return value
    } finally {
      client.close()
      fetching = undefined
    }
  }
  return {
    value() {
      if (current && performance.now() < current.endsAtMs) return Promise.resolve(current.value)
      return (fetching ??= fetchToken())
    },
    renew(refused) {
      if (current?.value === refused) current = undefined
      return true
    },
  }
}

/** The client logs in by Basic, each part encoded as in a form: RFC 6749, 2.3.1. */
function tokenRequest(o: NonNullable<AuthOptions['oauth2']>, url: URL): Request {
  const { scope, audience } = o
  const inForm = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)
  const login = `${inForm(o.client_id)}:${inForm(revealed(o.client_secret))}`
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
    ...(audience === undefined ? {} : { audience }),
  })
  const headers = {
    authorization: `Basic ${Buffer.from(login).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  const body = Buffer.from(form.toString())
  return { method: 'POST', path: `${url.pathname}${url.search}`, headers: Object.entries(headers).flat(), body }
}

/** Only the error's name is repeated of an answer, since the rest may contain the secret. */
function tokenOf({ status, body }: Answer, url: URL): { token: string; seconds: number } {
  const where = `${url.origin}${url.pathname}`
  let said: Readonly<Record<string, unknown>> = {}
  try {
    said = Object(JSON.parse(body.toString('utf8'))) as typeof said
  } catch {
    // Not JSON: there is no token in it.
  }
  const token = said['access_token']
  if (status === 200 && typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) {
    const seconds = Number(said['expires_in'] ?? 300)
    return { token, seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 300 }
  }
  const { error } = said
  const why = typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? `: ${error}` : ''
  if (status >= 500 || status === 429)
    throw new SystemError('bad_status', `${where} answered ${status} instead of a token`, { retry: true })
  throw new SystemError('unauthorized', `${where} grants no token, it answered ${status}${why}`, {
    hint: 'check `token_url`, `client_id`, `client_secret` and `scope` of `auth.oauth2`',
  })
}
