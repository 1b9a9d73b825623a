/**
 * An HTTP proxy before a real service: it counts requests and breaks the ones that a test picks. Headers are forwarded
 * as they are, so signed requests stay valid.
 */
import { createServer, request as send, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request that was seen. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** With its `?`; empty: there is none. */
  readonly query: string
  /** Bytes of its body. */
  readonly bytes: number
}

/** What becomes of a request. */
export type HttpFault =
  | 'none'
  /** It is forwarded, its answer is dropped and the connection cut. */
  | 'lose_answer'
  /** The connection is cut instead. */
  | 'lose_request'
  /** The answer is cut after this many bytes of its body, if it has more. */
  | { readonly cutAfter: number }
  /** It is answered instead. */
  | { readonly status: number; readonly body: string }

/** A proxy that a test controls. */
export interface HttpProxy {
  readonly url: string
  /** All requests since `set`, in their order. */
  readonly requests: readonly SeenRequest[]
  /** From now on; requests are counted anew. */
  set(rule: (request: SeenRequest, n: number) => HttpFault): void
  close(): void
}

/** Forwards to `target`, an address without a path. */
export async function httpProxy(target: string): Promise<HttpProxy> {
  const { hostname, port } = new URL(target)
  let rule: (request: SeenRequest, n: number) => HttpFault = () => 'none'
  let requests: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined)
    if (!body) return
    const [path = '', query] = (request.url ?? '').split('?')
    const own = {
      method: request.method ?? '',
      path: decodeURIComponent(path),
      query: query === undefined ? '' : `?${query}`,
      bytes: body.length,
    }
    const fault = rule(own, requests.length)
    requests.push(own)
    if (fault === 'lose_request') return void request.socket.destroy()
    if (typeof fault === 'object' && 'status' in fault) {
      response.writeHead(fault.status, { 'content-type': 'application/xml' })
      return void response.end(fault.body)
    }
    const { url: at, method, headers } = request
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { expect: _expect, ...kept } = headers
      send({ hostname, port, path: at, method, headers: kept }, resolve).on('error', reject).end(body)
    }).catch(() => undefined)
    if (!answer) return void request.socket.destroy()
    const bytes = await buffer(answer)
    if (fault === 'lose_answer') return void request.socket.destroy()
    response.writeHead(answer.statusCode!, answer.rawHeaders)
    if (typeof fault !== 'object' || bytes.length <= fault.cutAfter) return void response.end(bytes)
    response.write(bytes.subarray(0, fault.cutAfter), () => request.socket.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests
    },
    set(next) {
      rule = next
      requests = []
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
