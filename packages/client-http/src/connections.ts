/**
 * Requests to one server over kept-alive connections, by undici, through a proxy where one is named. A request whose
 * connection was closed before any part of the answer arrived is sent once more, as the server may have closed a kept
 * connection meanwhile; every request may be repeated, since it only reads or has an idempotency key.
 *
 * Decision: docs/decisions/20261201-one-http-client.md
 */
import { SystemError } from '@millrace/core'
import type { Dispatcher } from 'undici'
import { type Answer, createReception } from './answer.ts'
import { checkHost, checkName } from './address.ts'
import { isCut, late, reasonOf } from './failures.ts'
import { dispatcherFor, proxiesOf, type Way } from './proxy.ts'

/** Limits of requests to a server, and the way to it. */
export interface Limits extends Way {
  /** How long a request may take, up to the end of its answer. */
  readonly timeoutMs: number
  /** Bodies of 2xx are needed completely, up to this size. Absent: their beginning is enough. */
  readonly maxBytes?: number | undefined
}

/** A request: `path` with the query, and the headers that are not the connection's own. */
export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly path: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body?: Uint8Array | undefined
}

/** Connections to one server. Failures reject with a `SystemError`, requests ended by `close` with its reason. */
export interface Client {
  /** Connects once, through the proxy and with TLS as a request would; sends nothing. */
  reach(): Promise<void>
  /** The caller limits how many are in flight. */
  send(request: Request): Promise<Answer>
  /** Ends all connections and requests; may be used again. */
  close(reason?: Error): void
}

/** Creates them; nothing is opened before the first request. */
export function createClient(url: URL, limits: Limits): Client {
  const { timeoutMs, maxBytes, allowPrivate } = limits
  const { origin } = url
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
      const timer = setTimeout(() => fail(late(url, timeoutMs)), Math.max(0, deadline - performance.now()))
      running.add(fail)
      dispatcher ??= dispatcherFor(url, limits)
      const { method, path, headers, body = null } = request
      dispatcher.dispatch(
        { origin, method, path, headers: headers as string[], body },
        {
          onRequestStart(started) {
            controller = started
            if (!isReach && !isOver) return
            if (end()) resolve(reached)
            started.abort(notNeeded)
          },
          onResponseStart(_controller, status, all) {
            if (status >= 200) reception.start(status, all)
          },
          onResponseData(_controller, bytes) {
            if (isOver) return
            try {
              if (!reception.take(bytes as Buffer)) return
              if (end()) resolve(reception.answer())
              controller?.abort(notNeeded)
            } catch (error) {
              fail(error as Error)
            }
          },
          onResponseEnd() {
            if (end()) resolve(reception.answer())
          },
          onResponseError(_controller, error) {
            if (end()) reject(!reception.begun && isCut(error) ? new Unanswered(error) : error)
          },
        },
      )
    })

  const carry = async (request: Request, isReach: boolean): Promise<Answer> => {
    const deadline = performance.now() + timeoutMs
    try {
      if (!allowPrivate) {
        checkHost(url)
        // A proxy resolves the name by itself, and would not ask.
        if (proxiesOf(limits.proxy).length > 0) await checkName(url)
      }
      return await attempt(request, deadline, isReach).catch((error: unknown) => {
        if (!(error instanceof Unanswered) || isReach) throw error
        return attempt(request, deadline, isReach)
      })
    } catch (error) {
      throw reasonOf(error instanceof Unanswered ? error.cause : error, url)
    }
  }

  return {
    reach: async () => void (await carry({ method: 'HEAD', path: '/', headers: [] }, true)),
    send: (request) => carry(request, false),
    close(reason = new SystemError('http_unreachable', `the connections to ${url.host} were closed`)) {
      for (const fail of running) fail(reason)
      const old = dispatcher
      dispatcher = undefined
      void old?.destroy().catch(() => {})
    },
  }
}

/** The connection was closed before any part of an answer. */
class Unanswered extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

const notNeeded = new Error('the rest of this request is not needed')
const reached: Answer = { status: 0, headers: {}, body: Buffer.alloc(0) }
