/**
 * Requests to one server over kept-alive connections, by undici, through a proxy where one is named. A request whose
 * connection was closed before any part of the answer arrived is sent once more, as the server may have closed a kept
 * connection meanwhile; every request may be repeated, since it only reads or has an idempotency key.
 *
 * Decision: docs/decisions/20261201-one-http-client.md
 */
import { networkError, SystemError } from '@millrace/core'
import { type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from 'undici'
import { type Answer, createReception } from './answer.ts'
import { checkHost, publicLookup } from './address.ts'
import { proxyFor } from './proxy.ts'
import type { TlsSettings } from './tls.ts'

/** Limits of requests to a server, and the way to it. */
export interface Limits {
  /** How long a request may take, up to the end of its answer. */
  readonly timeoutMs: number
  /** Bodies of 2xx are needed completely, up to this size. Absent: their beginning is enough. */
  readonly maxBytes?: number
  /** Whether addresses of this machine and of private networks may be called. */
  readonly allowPrivate: boolean
  /** The address of a proxy. Absent: the environment names one, or none. */
  readonly proxy?: string | undefined
  readonly tls?: TlsSettings | undefined
}

/** A request: `path` with the query, and the headers that are not the connection's own. */
export interface Request {
  readonly method: Dispatcher.HttpMethod
  readonly path: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body?: Uint8Array | undefined
}

/** Connections to one server. Failures reject with a `SystemError`, requests ended by `close` with its reason. */
export interface Client {
  /** Connects, through the proxy and with TLS as a request would; sends nothing. */
  reach(): Promise<void>
  /** The caller limits how many are in flight. */
  send(request: Request): Promise<Answer>
  /** Ends all connections and requests; may be used again. */
  close(reason?: Error): void
}

/** Creates them; nothing is opened before the first request. */
export function createClient(url: URL, limits: Limits): Client {
  const { timeoutMs, maxBytes, allowPrivate } = limits
  const late = () => new SystemError('no_answer', `${url.host} did not answer completely within ${timeoutMs} ms`, again)
  const running = new Set<(reason: Error) => void>()
  let dispatcher: Dispatcher | undefined

  /** `isReach`: the request is only a way to connect, and is not sent. */
  const attempt = (request: Request, deadline: number, isReach: boolean): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const reception = createReception(maxBytes)
      let controller: Dispatcher.DispatchController | undefined
      let isOver = false
      const end = (): boolean => {
        if (isOver) return false
        isOver = true
        clearTimeout(timer)
        running.delete(fail)
        return true
      }
      const fail = (reason: Error) => {
        if (!end()) return
        reject(reason)
        controller?.abort(reason)
      }
      const timer = setTimeout(() => fail(late()), Math.max(0, deadline - performance.now()))
      running.add(fail)
      dispatcher ??= dispatcherFor(url, limits)
      dispatcher.dispatch(
        { origin: url.origin, ...request, headers: request.headers as string[], body: request.body ?? null },
        {
          onRequestStart(started) {
            controller = started
            if (!isReach && !isOver) return
            if (end()) resolve(nothing)
            started.abort(reached)
          },
          onResponseStart(_controller, status, headers) {
            reception.start(status, headers)
          },
          onResponseData(_controller, bytes) {
            try {
              reception.take(bytes)
            } catch (error) {
              fail(error as Error)
            }
          },
          onResponseEnd() {
            if (end()) resolve(reception.answer())
          },
          onResponseError(_controller, error) {
            if (end()) reject(reception.begun ? Object.assign(error, { begun: true }) : error)
          },
        },
      )
    })

  const carry = async (request: Request, isReach = false): Promise<Answer> => {
    if (!allowPrivate) checkHost(url)
    const deadline = performance.now() + timeoutMs
    try {
      return await attempt(request, deadline, isReach)
    } catch (error) {
      if (!isCut(error) || isReach) throw reasonOf(error, url)
    }
    return attempt(request, deadline, isReach).catch((error: unknown) => {
      throw reasonOf(error, url)
    })
  }

  return {
    reach: async () => void (await carry({ method: 'HEAD', path: '/', headers: [] }, true)),
    send: (request) => carry(request),
    close(reason = new SystemError('http_unreachable', `the connections to ${url.host} were closed`)) {
      for (const fail of [...running]) fail(reason)
      const old = dispatcher
      dispatcher = undefined
      void old?.destroy().catch(() => {})
    },
  }
}

const reached = new Error('connected')
const nothing: Answer = { status: 0, headers: {}, body: Buffer.alloc(0) }

function dispatcherFor(url: URL, { timeoutMs, allowPrivate, proxy, tls }: Limits): Dispatcher {
  // Connecting has the time of the request, and so have its headers and body: the request's own timer ends it.
  const options = { allowH2: false, headersTimeout: 0, bodyTimeout: 0, pipelining: 1 }
  const secure = { ...tls, timeout: timeoutMs }
  const connect = allowPrivate ? secure : { ...secure, lookup: publicLookup }
  const named = proxyFor(proxy)
  if (named === 'none') return new Pool(url.origin, { ...options, connect })
  const through = { ...options, connect, requestTls: secure, connectTimeout: timeoutMs }
  return named === 'environment' ? new EnvHttpProxyAgent(through) : new ProxyAgent({ ...through, uri: named })
}

const again = { retry: true, hint: 'is the server running, and the address right?' }

interface Failure {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly begun?: boolean
  readonly cause?: unknown
}

const cuts = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/** The connection was closed, before any part of an answer. */
const isCut = (error: unknown): boolean => cuts.has((error as Failure).code ?? '') && !(error as Failure).begun

/** A failed request by its cause. */
function reasonOf(error: unknown, url: URL): Error {
  const { name, message = '', code = '' } = error as Failure
  if (name === 'SystemError' || name === 'AbortError' || !code) return error as Error
  const where = `${url.host} cannot be reached`
  const network = networkError(error, where, 'name the file with the authority that signed it in `tls.ca`')
  if (network) return network
  if (name === 'HTTPParserError')
    return new SystemError('not_http', `${url.host} does not speak HTTP: ${message}`, {
      hint: 'does the server expect https: at this port, or another protocol?',
      cause: error,
    })
  const proxied = /Proxy response \((\d+)\)/.exec(message)
  if (proxied || /\(407\)/.test(message))
    return new SystemError('proxy_refused', `the proxy refuses to connect to ${url.host}: ${proxied?.[1] ?? 407}`, {
      retry: Number(proxied?.[1]) >= 500,
      hint: 'check the name and password in `proxy`, and whether the proxy allows this host',
      cause: error,
    })
  if (cuts.has(code))
    return new SystemError('connection_lost', `${url.host} closed the connection before its answer was complete`, {
      retry: true,
      hint: 'look into the log of the server, or of what stands in front of it',
      cause: error,
    })
  return new SystemError('http_unreachable', `${where}: ${message || code}`, { ...again, cause: error })
}
