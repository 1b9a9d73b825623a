/**
 * Kept-alive connections to one server, with one request at a time on each. On plain sockets: a sink that posts record
 * by record takes a third more CPU with undici, and twice as much with node:http. A request whose kept connection was
 * closed before any part of the answer arrived is sent once more on a new one; every request may be repeated, since it
 * only reads or has an idempotency key.
 *
 * Decision: docs/decisions/20261201-one-http-client.md
 */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { networkError, SystemError } from '@millrace/core'
import { checkHost, publicLookup } from './address.ts'
import { type Answer, createResponseReader, type ResponseReader } from './response.ts'

/** Limits of requests to a server. */
export interface Limits {
  /** How long a request may take, up to the end of its answer. */
  readonly timeoutMs: number
  /** Bodies of 2xx are needed completely, up to this size. Absent: their beginning is enough. */
  readonly maxBytes?: number
  /** Whether addresses of this machine and of private networks may be called. */
  readonly allowPrivate: boolean
}

/** Connections to one server. Failures reject with a `SystemError`, requests ended by `close` with its reason. */
export interface Client {
  /** Connects; the next request uses this connection. */
  reach(): Promise<void>
  /** Sends a request, head and body in one buffer. The caller limits how many are in flight. */
  send(request: Uint8Array): Promise<Answer>
  /** Ends all connections and requests; may be used again. */
  close(reason?: Error): void
}

interface Connection {
  readonly socket: Socket
  readonly reader: ResponseReader
  /** Ends the connection at the timeout of its request, or after it was idle for that long. */
  readonly deadline: NodeJS.Timeout
  /** A kept connection: the server may have closed it meanwhile. */
  used: boolean
  request: Request | undefined
}

interface Request {
  readonly bytes: Uint8Array
  /** It must not be sent again. */
  last: boolean
  resolve(answer: Answer): void
  reject(error: Error): void
}

const nothing = new Uint8Array(0)

/** Creates them; nothing is opened before the first request. */
export function createClient(url: URL, { timeoutMs, maxBytes, allowPrivate }: Limits): Client {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const secure = url.protocol === 'https:'
  const port = Number(url.port || (secure ? 443 : 80))
  const place = { host, port, lookup: allowPrivate ? undefined : publicLookup }
  const all = new Set<Connection>()
  const idle: Connection[] = []
  const again = { retry: true, hint: 'is the server running, and the address right?' }
  const asReason = (error: Error): Error =>
    error.name === 'SystemError' || error.name === 'AbortError'
      ? error
      : (networkError(error, `${url.host} cannot be reached`, 'NODE_EXTRA_CA_CERTS names a file of authorities') ??
        new SystemError(
          'http_unreachable',
          `${url.host} cannot be reached: ${error.message || (error as NodeJS.ErrnoException).code}`,
          { ...again, cause: error },
        ))

  const open = (): Connection => {
    if (!allowPrivate) checkHost(url)
    const socket = secure ? connectSecurely({ ...place, servername: isIP(host) ? undefined : host }) : connect(place)
    socket.setNoDelay(true)
    const late = () => {
      if (made.request) made.request.last = true
      socket.destroy(
        made.request &&
          new SystemError('no_answer', `${url.host} did not answer completely within ${timeoutMs} ms`, again),
      )
    }
    const made: Connection = {
      socket,
      reader: createResponseReader(maxBytes),
      deadline: setTimeout(late, timeoutMs).unref(),
      used: false,
      request: undefined,
    }
    all.add(made)
    socket.on('data', (bytes: Buffer) => {
      try {
        const answer = made.reader.feed(bytes)
        if (answer) finish(made, answer)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    let failure: Error | undefined
    socket.on('error', (error) => (failure = error))
    socket.on('close', () => lost(made, failure))
    return made
  }

  const finish = (connection: Connection, answer: Answer) => {
    const { request, reader, socket } = connection
    connection.request = undefined
    connection.used = true
    if (!request || !reader.reusable) socket.destroy()
    else idle.push(connection)
    request?.resolve(answer)
  }

  const lost = (connection: Connection, failure: Error | undefined) => {
    all.delete(connection)
    clearTimeout(connection.deadline)
    const at = idle.indexOf(connection)
    if (at >= 0) idle.splice(at, 1)
    const { request, reader, used } = connection
    if (!request) return
    connection.request = undefined
    const answer = failure ? undefined : reader.closed()
    if (answer) request.resolve(answer)
    else if (used && !reader.begun && !request.last) {
      request.last = true
      carry(open(), request)
    } else request.reject(asReason(failure ?? new Error('the connection was closed before the answer arrived')))
  }

  const carry = (connection: Connection, request: Request) => {
    connection.request = request
    connection.deadline.refresh()
    connection.socket.write(request.bytes)
  }

  return {
    reach: () =>
      new Promise((resolve, reject) => {
        const connection = open()
        connection.request = { bytes: nothing, last: true, resolve: () => {}, reject }
        connection.socket.once(secure ? 'secureConnect' : 'connect', () => {
          connection.request = undefined
          connection.used = true
          idle.push(connection)
          resolve()
        })
      }),
    send: (bytes) =>
      new Promise((resolve, reject) => {
        carry(idle.pop() ?? open(), { bytes, last: false, resolve, reject })
      }),
    close(reason) {
      for (const { socket, request } of all) {
        if (request) request.last = true
        socket.destroy(reason)
      }
    },
  }
}
