/**
 * A forward proxy as companies have them: tunnels by CONNECT, forwards requests with absolute addresses, and may
 * require a login.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { serverCertificate } from './certificates.ts'

/** A running proxy. */
export interface ForwardProxy {
  /** Without the login. */
  readonly url: string
  /** What it was asked for, such as `CONNECT a.example:443` or `POST http://a.example/x`. */
  readonly asked: readonly string[]
  close(): void
}

/** What a proxy requires and refuses. */
export interface ForwardProxySettings {
  /** `name:password` that clients must send. */
  readonly login?: string
  /** It speaks TLS itself. */
  readonly secure?: boolean
  /** Answers everything with this status. */
  readonly status?: number
  /** Closes the connection instead of answering. */
  readonly cut?: boolean
  /** Resolves all names to this machine. */
  readonly resolvesAll?: boolean
}

/** Starts one on the loopback address. */
export async function forwardProxy(settings: ForwardProxySettings = {}): Promise<ForwardProxy> {
  const { login, secure = false, status, cut, resolvesAll } = settings
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const refusal = ({ headers }: IncomingMessage): number | undefined => {
    const expected = login && `Basic ${Buffer.from(login).toString('base64')}`
    return status ?? (expected && headers['proxy-authorization'] !== expected ? 407 : undefined)
  }
  const forward = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`)
    if (cut) return void request.socket.destroy()
    const refused = refusal(request)
    if (refused) return void response.writeHead(refused, { 'proxy-authenticate': 'Basic realm="test"' }).end('no')
    const { hostname, port, pathname, search } = new URL(request.url!)
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers
    const onward = send(
      {
        host: resolvesAll ? '127.0.0.1' : hostname,
        port,
        path: pathname + search,
        method: request.method,
        headers,
      },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.rawHeaders)
        answer.pipe(response)
      },
    )
    onward.on('error', () => response.writeHead(502).end())
    request.pipe(onward)
  }
  const server = secure ? createSecureServer(serverCertificate(), forward) : createServer(forward)
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    asked.push(`CONNECT ${request.url}`)
    client.on('error', () => {})
    if (cut) return void client.destroy()
    const refused = refusal(request)
    if (refused) return void client.end(`HTTP/1.1 ${refused} No\r\nproxy-authenticate: Basic realm="test"\r\n\r\n`)
    const { hostname, port } = new URL(`http://${request.url}`)
    const onward = connect(Number(port || 80), resolvesAll ? '127.0.0.1' : hostname)
    sockets.add(onward)
    onward.once('connect', () => {
      client.write('HTTP/1.1 200 Connected\r\n\r\n')
      onward.write(head)
      onward.pipe(client).pipe(onward)
    })
    onward.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `${secure ? 'https://localhost' : 'http://127.0.0.1'}:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
