/** Each cause of a failed request has its own code, within seconds, for the sink and for the polling source. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { forwardProxy, type ForwardProxySettings, freePort, serverCertificate } from '@millrace/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answerRows, type Asker, askers, run, serve } from './world.ts'

/** A server of bytes; the address of its port. */
async function raw(onData: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('data', () => onData(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const trickle = (socket: Socket) => {
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n[')
  const timer = setInterval(() => socket.write(' '), 20)
  socket.on('close', () => clearInterval(timer))
}

async function proxied(settings: ForwardProxySettings): Promise<string> {
  const proxy = await forwardProxy(settings)
  onTestFinished(() => proxy.close())
  return proxy.url
}

type Case = readonly [
  what: string,
  code: string | Readonly<Record<Asker, string>>,
  start: () => Promise<readonly [url: string, config?: object]>,
]

const cases: readonly Case[] = [
  ['an unknown host', 'unknown_host', async () => ['http://no-such-host.invalid/']],
  ['a port that refuses', 'http_unreachable', async () => [`http://127.0.0.1:${await freePort()}/`]],
  [
    'a server that speaks no TLS',
    'tls_failed',
    async () => [`https://${await raw((s) => s.end('HTTP/1.1 400 No\r\n\r\n'))}/`],
  ],
  ['a server that is silent when TLS begins', 'http_unreachable', async () => [`https://${await raw(() => {})}/`]],
  [
    'a server that speaks TLS only',
    'connection_lost',
    async () => [(await serve(answerRows, serverCertificate())).url.replace('https:', 'http:')],
  ],
  [
    'a server of another protocol',
    'not_http',
    async () => [`http://${await raw((s) => s.end('SSH-2.0-OpenSSH_9.6\r\n\r\n'))}/`],
  ],
  ['an untrusted certificate', 'tls_untrusted', async () => [(await serve(answerRows, serverCertificate())).url]],
  [
    'a connection that is cut before an answer',
    'connection_lost',
    async () => [`http://${await raw((s) => s.destroy())}/`],
  ],
  [
    'a connection that is cut within an answer',
    'connection_lost',
    async () => [`http://${await raw((s) => s.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n['))}/`],
  ],
  ['a silent server', 'no_answer', async () => [`http://${await raw(() => {})}/`, { timeout: '300ms' }]],
  ['an answer that trickles', 'no_answer', async () => [`http://${await raw(trickle)}/`, { timeout: '300ms' }]],
  [
    'a proxy that requires a login',
    'proxy_refused',
    async () => ['https://a.example/', { proxy: await proxied({ login: 'u:p' }) }],
  ],
  [
    'a proxy that requires a login, for http:',
    'proxy_refused',
    async () => ['http://a.example/', { proxy: await proxied({ login: 'u:p' }) }],
  ],
  [
    'a proxy that forbids the host',
    'proxy_refused',
    async () => ['https://a.example/', { proxy: await proxied({ status: 403 }) }],
  ],
  [
    'a proxy that does not reach the host',
    'http_unreachable',
    async () => [`https://127.0.0.1:${await freePort()}/`, { proxy: await proxied({}) }],
  ],
  [
    'a proxy that cuts the connection',
    'proxy_unreachable',
    async () => ['https://a.example/', { proxy: await proxied({ cut: true }) }],
  ],
  [
    'a proxy that is not there',
    'proxy_unreachable',
    async () => ['http://a.example/', { proxy: `http://127.0.0.1:${await freePort()}` }],
  ],
  [
    'a proxy that is not there, for https:',
    'proxy_unreachable',
    async () => ['https://a.example/', { proxy: `http://127.0.0.1:${await freePort()}` }],
  ],
  [
    'a proxy of an unknown host',
    'proxy_unreachable',
    async () => ['https://a.example/', { proxy: 'http://u:geheim@no-such-proxy.invalid:1' }],
  ],
  [
    'an untrusted certificate behind a proxy',
    'tls_untrusted',
    async () => [(await serve(answerRows, serverCertificate())).url, { proxy: await proxied({}) }],
  ],
  ['a proxy that is no address', 'bad_value', async () => ['https://a.example/', { proxy: 'proxy:geheim' }]],
  [
    'a file of certificates that is missing',
    'bad_value',
    async () => ['https://a.example/', { tls: { ca: 'none.pem' } }],
  ],
  [
    'refused credentials',
    'unauthorized',
    async () => [(await serve((_, response) => response.writeHead(401).end())).url, { auth: { bearer: 'geheim' } }],
  ],
]

describe.each(askers)('%s', (asker) => {
  it.each(cases)('tells %s by its code', async (_what, code, start) => {
    const [url, config] = await start()
    const { code: exit, printed, stored, ms } = await run(asker, url, config)
    expect(exit).not.toBe(0)
    expect(printed).toContain(typeof code === 'string' ? code : code[asker])
    expect(printed + stored).not.toContain('geheim')
    expect(ms).toBeLessThan(10_000)
  })
})

it('a page that is larger than `max_body` is told, however it arrives', async () => {
  const long = ' '.repeat(100_000)
  const framings = [
    `content-length: 100000\r\n\r\n${long}`,
    `\r\n${long}`,
    `transfer-encoding: chunked\r\n\r\n186a0\r\n${long}\r\n0\r\n\r\n`,
  ]
  for (const framing of framings) {
    const at = await raw((socket) => socket.end(`HTTP/1.1 200 OK\r\n${framing}`))
    expect((await run('poll', `http://${at}/`, { max_body: '99kB' })).printed).toContain('answer_too_large')
  }
})

describe('with a proxy, private addresses stay out of reach of `http_poll`', () => {
  const asked = async (url: string, more: object = {}) => {
    const proxy = await forwardProxy({ resolvesAll: true })
    onTestFinished(() => proxy.close())
    const { printed, code } = await run('poll', url, { proxy: proxy.url, allow_private: false, ...more })
    return { printed, code, through: proxy.asked.length }
  }
  it.each([
    'http://127.0.0.1:1/',
    'https://127.0.0.1:1/',
    'http://localhost:1/',
    'http://only-the-proxy-knows.invalid/',
  ])('%s', async (url) => {
    expect(await asked(url)).toMatchObject({ printed: expect.stringContaining('private_address'), through: 0 })
  })
  it('unless they are allowed: the proxy then decides', async () => {
    const { url } = await serve()
    const { port } = new URL(url)
    expect(await asked(`http://only-the-proxy-knows.invalid:${port}/x`, { allow_private: true })).toMatchObject({
      code: 0,
      through: 1,
    })
  })
})
