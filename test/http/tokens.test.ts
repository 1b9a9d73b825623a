/** Tokens by OAuth 2 client credentials, for the sink and for the polling source, with a real server of tokens. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { freePort } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { type Asker, askers, run, serve } from './world.ts'

const secret = 'cl!ent secret'

/** Grants `token-1`, `token-2` and so on; `expires`: seconds. */
const granting = (expires?: number) =>
  serve((_request, response, nth) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: `token-${nth}`, token_type: 'Bearer', expires_in: expires }))
  })

/** Pages one after the other, of one record each; a POST is taken. */
function page(request: IncomingMessage, response: ServerResponse): void {
  const number = Number(new URL(request.url!, 'http://here').searchParams.get('page'))
  response.end(number < 5 ? `[{"n":${number}}]` : '[]')
}

/** Several requests in one run, one after the other. */
const several = (asker: Asker) =>
  asker === 'sink' ? { body: 'object', order: 'strict', concurrency: 1 } : { page: { first: 0 } }
const login = (token_url: string, more: object = {}) => ({
  auth: { oauth2: { token_url, client_id: 'the:client', client_secret: '${secret:s}', ...more } },
})
const secrets = { MILLRACE_SECRET_S: secret }
const tokens = (asked: readonly IncomingMessage[]) => asked.map(({ headers }) => headers.authorization)

describe.each(askers)('%s', (asker) => {
  const get = (url: string, config: object) => run(asker, url, { ...several(asker), ...config }, { secrets })

  it('fetches a token once, as RFC 6749 says', async () => {
    const bodies: string[] = []
    const server = await serve((request, response) => {
      void text(request).then((body) => bodies.push(body))
      response.end('{"access_token":"token-1","expires_in":3600}')
    })
    const { url, asked } = await serve(page)
    expect(await get(url, login(server.url, { scope: 'a b', audience: 'x' }))).toMatchObject({ code: 0 })
    expect(server.asked).toHaveLength(1)
    const { method, headers } = server.asked[0]!
    const basic = Buffer.from('the%3Aclient:cl%21ent+secret').toString('base64')
    expect([method, headers.authorization, headers['content-type']]).toEqual([
      'POST',
      `Basic ${basic}`,
      'application/x-www-form-urlencoded',
    ])
    expect(asked.length).toBeGreaterThan(2)
    expect(new Set(tokens(asked))).toEqual(new Set(['Bearer token-1']))
  })

  it('renews it before it expires', async () => {
    const server = await granting(1)
    const { url, asked } = await serve((request, response, nth) => {
      setTimeout(() => page(request, response), nth === 2 ? 1000 : 0)
    })
    expect(await get(url, login(server.url))).toMatchObject({ code: 0 })
    expect(tokens(asked).slice(0, 3)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
  })

  it('renews it when it is refused, once', async () => {
    const server = await granting()
    const { url, asked } = await serve((request, response) =>
      request.headers.authorization === 'Bearer token-1' && asked.length > 1
        ? void response.writeHead(401).end()
        : page(request, response),
    )
    expect(await get(url, login(server.url))).toMatchObject({ code: 0 })
    expect(tokens(asked).slice(0, 4)).toEqual(['token-1', 'token-1', 'token-2', 'token-2'].map((t) => `Bearer ${t}`))
    expect(server.asked).toHaveLength(2)

    const refusing = await serve((_request, response) => void response.writeHead(401).end())
    const ran = await get(refusing.url, login(server.url))
    expect(ran).toMatchObject({
      code: expect.toSatisfy((code) => code !== 0),
      printed: expect.stringContaining('unauthorized'),
    })
    expect(tokens(refusing.asked)).toEqual(['Bearer token-3', 'Bearer token-4'])
  })

  it('says why there is none, and sends nothing', async () => {
    const { url, asked } = await serve(page)
    const answering = (status: number, body: unknown) =>
      serve((_request, response) => void response.writeHead(status).end(JSON.stringify(body)))
    const grants = (await granting()).url
    for (const [code, token_url] of [
      ['token_unavailable', `http://127.0.0.1:${await freePort()}/token`],
      ['token_unavailable', (await answering(503, {})).url],
      ['token_refused', (await answering(401, { error: 'invalid_client', error_description: secret })).url],
      ['token_refused', (await answering(200, { token: 'no' })).url],
      ['token_refused', (await answering(302, {})).url],
      ['unknown_host', 'http://no-such-host.invalid/'],
      ['tls_failed', grants.replace('http:', 'https:')],
    ] as const) {
      const { printed, stored } = await get(url, login(token_url))
      expect(printed).toContain(code === 'unknown_host' ? 'token_unavailable' : code)
      expect(printed + stored).not.toContain(secret)
    }
    expect(asked).toEqual([])
  })

  it('neither prints nor stores tokens, though a server sends them back', async () => {
    const server = await granting()
    const { url } = await serve((request, response) => {
      if (asker === 'sink') response.writeHead(422)
      response.end(JSON.stringify([{ n: 'x', sent: request.headers }]))
    })
    const { printed, stored } = await run(asker, url, login(server.url), { secrets })
    expect(stored).toContain(asker === 'sink' ? 'authorization' : '"n"')
    for (const hidden of ['token-1', Buffer.from('token-1').toString('base64'), secret])
      expect(printed + stored).not.toContain(hidden)
  })
})
