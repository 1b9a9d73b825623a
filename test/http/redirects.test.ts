/** Redirects: followed as far as the options say, and never with credentials to another origin. */
import { certificatePaths, mutualTls, serverCertificate } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { answerRows, askers, run, serve } from './world.ts'

const login = { headers: { 'X-Key': 'geheim' }, auth: { bearer: 'geheim' } }

describe.each(askers)('%s', (asker) => {
  const to = (status: number, target: () => string) =>
    serve((request, response, nth) =>
      request.url === '/done'
        ? answerRows(request, response)
        : void response.writeHead(status, { location: target(), 'x-nth': nth }).end(),
    )

  it.each([307, 308])('follows %i, with credentials to the same origin only', async (status) => {
    const other = await serve()
    const same = await to(status, () => '/done')
    expect(await run(asker, same.url, { ...login, redirects: 1 })).toMatchObject({ code: 0 })
    expect(same.asked.map(({ method, headers }) => [method, headers.authorization, headers['x-key']])).toEqual(
      Array.from({ length: 2 }, () => [asker === 'sink' ? 'POST' : 'GET', 'Bearer geheim', 'geheim']),
    )
    const away = await to(status, () => other.url)
    expect(await run(asker, away.url, { ...login, redirects: 1 })).toMatchObject({ code: 0 })
    const [{ method, headers } = {} as never] = other.asked
    expect([method, headers.authorization, headers['x-key']]).toEqual([
      asker === 'sink' ? 'POST' : 'GET',
      undefined,
      undefined,
    ])
    if (asker === 'sink') expect(headers['idempotency-key']).toBe(away.asked[0]!.headers['idempotency-key'])
  })

  it('shows its certificate to the first origin only', async () => {
    const { ca, client } = certificatePaths
    const other = await serve(answerRows, { ...mutualTls(), rejectUnauthorized: false })
    const first = await serve(
      (_request, response) => void response.writeHead(307, { location: other.url }).end(),
      mutualTls(),
    )
    expect(await run(asker, first.url, { tls: { ca, certificate: client }, redirects: 1 })).toMatchObject({ code: 0 })
    const shown = ({ socket }: (typeof other.asked)[number]) =>
      Object.keys((socket as import('node:tls').TLSSocket).getPeerCertificate() ?? {}).length > 0
    expect(first.asked).toHaveLength(1)
    expect(other.asked.map(shown)).toEqual([false])
  })

  it('follows no more than so many', async () => {
    const { url, asked } = await to(308, () => '/x')
    const { printed } = await run(asker, url, { redirects: 3 })
    expect(printed).toContain('bad_redirect')
    expect(asked).toHaveLength(4)
  })

  it.each([
    ['from https: to http:', () => 'http://localhost:1/'],
    ['to another protocol', () => 'file:///etc/passwd'],
    ['to no address', () => 'http://['],
  ])('does not follow one %s', async (_what, target) => {
    const server = await serve(
      (_request, response) => void response.writeHead(307, { location: target() }).end(),
      serverCertificate(),
    )
    const { printed } = await run(asker, server.url, { redirects: 1, tls: { ca: certificatePaths.ca } })
    expect(printed).toContain('bad_redirect')
  })

  it('stops with a code where redirects are not to be followed', async () => {
    for (const status of [301, 302, 303, 304, 307, 308]) {
      const { url, asked } = await to(status, () => '/done')
      const { code, printed } = await run(asker, url, { redirects: 0 })
      expect(code).not.toBe(0)
      expect(printed).toContain(asker === 'sink' ? `http_${status}` : 'bad_status')
      expect(asked).toHaveLength(1)
    }
  })
})

it.each([301, 302, 303])('a POST is not repeated after %i, which makes a GET of it', async (status) => {
  const { url, asked } = await serve(
    (_request, response) => void response.writeHead(status, { location: '/done' }).end(),
  )
  expect((await run('sink', url, { redirects: 5 })).printed).toContain(`http_${status}`)
  expect(asked).toHaveLength(1)
})
