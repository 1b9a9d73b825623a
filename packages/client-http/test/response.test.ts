import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createClient } from '../src/connections.ts'
import type { Answer } from '../src/response.ts'
import { createResponseReader, headerOf } from '../src/response.ts'

/** Feeds a text in pieces of `size` bytes; the answer and how many bytes it took. */
function read(text: string, size: number, maxBytes?: number) {
  const reader = createResponseReader(maxBytes)
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) {
    const answer = reader.feed(bytes.subarray(at, at + size))
    if (answer) return { ...shown(answer), reusable: reader.reusable, all: at + size >= bytes.length }
  }
  const answer = reader.closed()
  return answer && { ...shown(answer), reusable: reader.reusable, all: true }
}
const shown = ({ status, body }: Answer) => ({ status, body: body.toString() })

describe('a response', () => {
  const cases: [string, string, object | undefined][] = [
    [
      'with a length',
      'HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nh\u00e9llo'.replace('5', '6'),
      { status: 201, body: 'h\u00e9llo', reusable: true },
    ],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '', reusable: true }],
    [
      'in chunks, with an extension and a trailer',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=1\r\nabcd\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n',
      { status: 200, body: 'abcd0123456789', reusable: true },
    ],
    [
      'until the connection closes',
      'HTTP/1.1 500 Oh\r\n\r\nno idea',
      { status: 500, body: 'no idea', reusable: false },
    ],
    [
      'after interim ones',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 422 No\r\ncontent-length: 2\r\n\r\nno',
      { status: 422, body: 'no', reusable: true },
    ],
    [
      'that closes the connection',
      'HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n',
      { status: 200, body: '', reusable: false },
    ],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', { status: 200, body: '', reusable: false }],
    ['that ends too early', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', undefined],
  ]
  it.each(cases)('%s is read whole, in pieces of any size', (_what, text, expected) => {
    for (const size of [1, 2, 3, 7, 1000])
      expect(read(text, size), `pieces of ${size}`).toEqual(expected && { ...expected, all: true })
  })

  it('keeps only the beginning of a long body, unless it may name records', () => {
    const text = (status: number, n: number) =>
      `HTTP/1.1 ${status} What\r\ncontent-length: ${n}\r\n\r\n${'x'.repeat(n)}`
    expect(read(text(500, 100_000), 5000)).toEqual({ status: 500, body: 'x'.repeat(4096), reusable: true, all: true })
    for (const status of [207, 422]) expect(read(text(status, 100_000), 5000)!.body).toHaveLength(100_000)
    expect(read(text(422, 9 << 20), 1 << 20)!.body).toHaveLength(8 << 20)
  })

  it('is kept whole where that is asked for, and is an error where it is larger', () => {
    const text = (framing: string) => `HTTP/1.1 200 OK\r\n${framing}`
    const long = 'x'.repeat(100_000)
    for (const framing of [
      `content-length: 100000\r\n\r\n${long}`,
      `\r\n${long}`,
      `transfer-encoding: chunked\r\n\r\n186a0\r\n${long}\r\n0\r\n\r\n`,
    ]) {
      expect(read(text(framing), 5000, 100_000)!.body).toBe(long)
      expect(() => read(text(framing), 5000, 99_999)).toThrow(
        expect.objectContaining({ code: 'page_too_large', retry: false }),
      )
    }
    expect(read(`HTTP/1.1 500 What\r\ncontent-length: 100000\r\n\r\n${long}`, 5000, 99)!.body).toHaveLength(4096)
  })

  it('has headers, whatever the case of their names, and all that are of one name', () => {
    const reader = createResponseReader()
    const head =
      'HTTP/1.1 503 Busy\r\nRETRY-AFTER:  20 \r\nlink: <a>\r\nx: location: /no\r\nLink: <b>\r\ncontent-length: 0\r\n\r\n'
    const answer = reader.feed(Buffer.from(head))!
    expect(['retry-after', 'link', 'location'].map((name) => headerOf(answer, name))).toEqual([
      '20',
      '<a>, <b>',
      undefined,
    ])
  })

  it.each([
    ['other bytes', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a chunk without a length', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`],
  ])('is an error for %s', (_what, text) => {
    expect(() => read(text, 1000)).toThrow()
  })
})

describe('the client', () => {
  let server: Server
  afterEach(() => new Promise((resolve) => server.close(resolve)))
  const listen = async (onRequest: (socket: Socket, nth: number) => void): Promise<URL> => {
    let nth = 0
    server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => onRequest(socket, ++nth))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  }
  const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
  const request = Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')

  it('sends a request again when its kept connection was closed before an answer came', async () => {
    const url = await listen((socket, nth) => (nth === 2 ? socket.destroy() : socket.write(ok)))
    const client = createClient(url, { timeoutMs: 1000, allowPrivate: true })
    expect((await client.send(request)).status).toBe(200)
    expect((await client.send(request)).status).toBe(200)
    client.close()
  })

  it('does not send it again on a fresh connection that closes, nor after half an answer', async () => {
    const url = await listen((socket, nth) =>
      nth === 1 ? socket.end() : nth === 2 ? socket.write(ok) : socket.end('HTTP/1.1 2'),
    )
    const client = createClient(url, { timeoutMs: 1000, allowPrivate: true })
    await expect(client.send(request)).rejects.toThrow('closed before')
    expect((await client.send(request)).status).toBe(200)
    await expect(client.send(request)).rejects.toThrow('closed before')
    client.close()
  })

  it('gives up a request that gets no answer in time, once', async () => {
    let got = 0
    const url = await listen((socket, nth) => {
      got = nth
      if (nth === 1) socket.write(ok)
    })
    const client = createClient(url, { timeoutMs: 100, allowPrivate: true })
    await client.send(request)
    await expect(client.send(request)).rejects.toMatchObject({ code: 'no_answer', retry: true })
    expect(got).toBe(2)
    client.close()
  })

  it('gives up a request whose answer comes too slowly to be whole in time', async () => {
    const url = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
      const timer = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    const client = createClient(url, { timeoutMs: 200, allowPrivate: true })
    await expect(client.send(request)).rejects.toMatchObject({ code: 'no_answer', retry: true })
    client.close()
  })

  it('connects before the first request, which uses that connection', async () => {
    const url = await listen((socket) => void socket.write(ok))
    let connections = 0
    server.on('connection', () => connections++)
    const client = createClient(url, { timeoutMs: 1000, allowPrivate: true })
    await client.reach()
    expect((await client.send(request)).status).toBe(200)
    expect(connections).toBe(1)
    client.close()
    await new Promise((resolve) => server.close(resolve))
    await expect(client.reach()).rejects.toMatchObject({ code: 'http_unreachable', retry: true })
  })

  it('lets requests go when it is closed', async () => {
    const url = await listen(() => {})
    const client = createClient(url, { timeoutMs: 5000, allowPrivate: true })
    const waiting = client.send(request)
    client.close(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
  })
})

describe('a connection that fails', () => {
  const failure = (address: string) => {
    const client = createClient(new URL(address), { timeoutMs: 5000, allowPrivate: true })
    return client.reach().then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  it('says that there is no such host, and that the port speaks no TLS', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    expect(await failure(`https://127.0.0.1:${port}/`)).toMatchObject({ code: 'tls_failed', retry: false })
    server.close()
    expect(await failure('http://no-such-host.invalid/')).toMatchObject({ code: 'unknown_host', retry: true })
  })
})
