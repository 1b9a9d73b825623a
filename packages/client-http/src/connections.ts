/**
 * Kept-alive connections to one server, with one request at a time on each. On plain sockets: per small request,
 * node:http takes four times the CPU, and `fetch` more. A request that found its kept connection closed before anything
 * of the answer came is sent once more on a fresh one; every request may be repeated, since it names an idempotency
 * key.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { type Answer, createResponseReader, type ResponseReader } from './response.ts'

export type { Answer } from './response.ts'

/** Connections to one server. */
export interface Client {
  /**
   * Sends a request, head and body in one piece. Rejects on a network error. The caller bounds how many are on their
   * way.
   */
  send(request: Uint8Array): Promise<Answer>
  /** Ends all connections; requests on their way reject with the reason. */
  close(reason?: Error): void
}

interface Connection {
  readonly socket: Socket
  readonly reader: ResponseReader
  /** It has carried a request before. */
  used: boolean
  request: Request | undefined
}

interface Request {
  readonly bytes: Uint8Array
  /** It is not to be sent last. */
  last: boolean
  resolve(answer: Answer): void
  reject(error: Error): void
}

/** Makes them; nothing is opened before the first request. `timeoutMs`: of silence. */
export function createClient(url: URL, timeoutMs: number): Client {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const secure = url.protocol === 'https:'
  const port = Number(url.port || (secure ? 443 : 80))
  const all = new Set<Connection>()
  const idle: Connection[] = []

  const open = (): Connection => {
    const socket = secure ? connectSecurely({ host, port, servername: host }) : connect({ host, port })
    socket.setNoDelay(true)
    socket.setTimeout(timeoutMs)
    const made: Connection = { socket, reader: createResponseReader(), used: false, request: undefined }
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
    socket.on('timeout', () => {
      if (made.request) made.request.last = true
      socket.destroy(made.request && new Error(`no answer within ${timeoutMs} ms`))
    })
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
    } else request.reject(failure ?? new Error('the connection was closed before the answer came'))
  }

  const carry = (connection: Connection, request: Request) => {
    connection.request = request
    connection.socket.write(request.bytes)
  }

  return {
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
