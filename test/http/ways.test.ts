/** The ways to a server, and the logins: each for the sink and for the polling source, with real servers. */
import {
  certificatePaths,
  forwardProxy,
  type ForwardProxySettings,
  mutualTls,
  serverCertificate,
} from '@millrace/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answerRows, askers, run, serve } from './world.ts'

const proxied = async (settings?: ForwardProxySettings) => {
  const proxy = await forwardProxy(settings)
  onTestFinished(() => proxy.close())
  return proxy
}
const { ca, client } = certificatePaths
const withLogin = (url: string) => url.replace('//', '//us%40er:p%2Fw@')

describe.each(askers)('%s', (asker) => {
  const host = (url: string) => new URL(url).host

  it('goes through a proxy, with its login: by a tunnel for https:, with the whole address for http:', async () => {
    const secure = await serve(answerRows, serverCertificate())
    const plain = await serve()
    for (const isSecure of [false, true]) {
      const proxy = await proxied({ login: 'us@er:p/w', secure: isSecure })
      const config = { proxy: withLogin(proxy.url), tls: { ca } }
      expect(await run(asker, secure.url, config)).toMatchObject({ code: 0 })
      expect(await run(asker, plain.url, config)).toMatchObject({ code: 0 })
      expect(new Set(proxy.asked)).toEqual(
        new Set([`CONNECT ${host(secure.url)}`, `${asker === 'sink' ? 'POST' : 'GET'} ${plain.url}`]),
      )
    }
    expect([secure.asked.length, plain.asked.length]).toEqual([2, 2])
    for (const { headers } of [...secure.asked, ...plain.asked]) expect(headers['proxy-authorization']).toBeUndefined()
  })

  it('goes through the proxy of the environment, but for the hosts of NO_PROXY', async () => {
    const secure = await serve(answerRows, serverCertificate())
    const plain = await serve()
    const proxy = await proxied({ login: 'us@er:p/w' })
    const tls = { tls: { ca } }
    const address = withLogin(proxy.url)
    const ran = await run(asker, secure.url, tls, { env: { HTTPS_PROXY: address, NO_PROXY: 'other.example' } })
    expect(ran).toMatchObject({ code: 0 })
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${host(secure.url)}`]))
    const before = proxy.asked.length
    for (const NO_PROXY of ['localhost,127.0.0.1', '*', `other.example localhost:${new URL(secure.url).port}`])
      expect(await run(asker, secure.url, tls, { env: { HTTPS_PROXY: address, NO_PROXY } })).toMatchObject({ code: 0 })
    // Nor does HTTPS_PROXY count for http:.
    expect(await run(asker, plain.url, {}, { env: { HTTPS_PROXY: address } })).toMatchObject({ code: 0 })
    expect(proxy.asked).toHaveLength(before)
    expect(await run(asker, plain.url, {}, { env: { http_proxy: address } })).toMatchObject({ code: 0 })
    expect(proxy.asked.at(-1)).toContain(plain.url)
  })

  it('trusts the authority of `tls.ca`, and shows the certificate that a server requires', async () => {
    const { url, asked } = await serve(answerRows, mutualTls())
    expect(await run(asker, url, { tls: { ca, certificate: client } })).toMatchObject({ code: 0 })
    expect(asked).toHaveLength(1)
    const without = await run(asker, url, { tls: { ca } })
    expect(without.code).not.toBe(0)
    expect(without.printed).toMatch(/tls_failed|connection_lost/)
    expect(asked).toHaveLength(1)
    expect(await run(asker, url, { tls: { certificate: client, reject_unauthorized: false } })).toMatchObject({
      code: 0,
    })
  })

  it.each([
    ['a secret header', { headers: { 'X-Key': 'k ${secret:s}' } }, 'x-key', 'k s3cret'],
    [
      'Basic',
      { auth: { basic: { username: 'üser', password: '${secret:s}' } } },
      'authorization',
      `Basic ${Buffer.from('üser:s3cret').toString('base64')}`,
    ],
    ['a bearer token', { auth: { bearer: '${secret:s}' } }, 'authorization', 'Bearer s3cret'],
  ])('logs in by %s, which is nowhere printed or stored', async (_what, config, header, value) => {
    const { url, asked } = await serve((request, response) => {
      if (asker === 'sink') response.writeHead(422)
      // As some servers do, in their errors.
      response.end(JSON.stringify([{ n: 1, headers: request.headers }]))
    })
    const { printed, stored } = await run(asker, url, config, { secrets: { MILLRACE_SECRET_S: 's3cret' } })
    expect(asked[0]!.headers[header]).toBe(value)
    expect(printed + stored).not.toMatch(/s3cret|czNjcmV0/)
    expect(printed + stored).not.toContain(value.split(' ')[1])
  })

  it('has one login', async () => {
    const { url, asked } = await serve()
    for (const [config, at] of [
      [{ auth: { bearer: 'a', basic: { username: 'u', password: 'p' } } }, url],
      [{ auth: {} }, url],
      [{ auth: { bearer: 'a' }, headers: { Authorization: 'b' } }, url],
    ] as const)
      expect(await run(asker, at, config)).toMatchObject({ code: 2, printed: expect.stringContaining('bad_value') })
    expect(asked).toEqual([])
  })
})
