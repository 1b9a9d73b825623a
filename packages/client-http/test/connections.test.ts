import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createClient } from '../src/connections.ts'

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
  const request = { method: 'GET', path: '/', headers: [] } as const

  it('sends a request again when its kept connection was closed before an answer came', async () => {
    const url = await listen((socket, nth) => (nth === 2 ? socket.destroy() : socket.write(ok)))
    const client = createClient(url, { timeoutMs: 1000, allowPrivate: true })
    expect((await client.send(request)).status).toBe(200)
    expect((await client.send(request)).status).toBe(200)
    client.close()
  })

  it('sends it once more and no more, and not after half an answer', async () => {
    let got = 0
    const url = await listen((socket, nth) => {
      got = nth
      return nth <= 2
        ? socket.end()
        : nth === 3
          ? socket.write(ok)
          : socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx')
    })
    const client = createClient(url, { timeoutMs: 1000, allowPrivate: true })
    await expect(client.send(request)).rejects.toMatchObject({ code: 'connection_lost', retry: true })
    expect(got).toBe(2)
    expect((await client.send(request)).status).toBe(200)
    await expect(client.send(request)).rejects.toMatchObject({ code: 'connection_lost', retry: true })
    expect(got).toBe(4)
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

  it('reaches the server without sending anything', async () => {
    let got = 0
    const url = await listen((socket, nth) => {
      got = nth
      socket.write(ok)
    })
    const client = createClient(url, { timeoutMs: 1000, allowPrivate: true })
    await client.reach()
    expect(got).toBe(0)
    expect((await client.send(request)).status).toBe(200)
    expect(got).toBe(1)
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
