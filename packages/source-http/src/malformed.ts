/** Answers to what is not an HTTP request that a route could accept, in the same form as every other refusal. */
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type Reply, refusal } from './reply.ts'

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** The answer to a request that could not be parsed, by the code of Node's parser. */
export function malformed({ code, message }: { readonly code?: string; readonly message: string }): Reply {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return refusal(408, 'request_timeout', 'the request did not arrive in time: send it again')
  if (code === 'HPE_HEADER_OVERFLOW')
    return refusal(431, 'headers_too_large', 'the headers are larger than 16 KiB: move large values into the body')
  return refusal(400, 'bad_request', `this is not HTTP: ${message}`)
}

/** How long the client has to read the answer. */
const leavingMs = 1000

/**
 * For fastify's `clientErrorHandler`: there is no request, so the answer is written to the connection, which ends. What
 * the client still sends is read and dropped: closed with unread bytes, the connection would be reset and the answer
 * lost.
 */
export function answerMalformed(error: Error & { readonly code?: string }, socket: Socket): void {
  // The parser fails again on each piece that follows.
  if (socket.writableEnded) return
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy(error)
  const { status, body } = malformed(error)
  socket.end(
    `HTTP/1.1 ${status} ${reasons[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  socket.resume()
  setTimeout(() => socket.destroy(), leavingMs).unref()
}

/** For fastify's `frameworkErrors`: the path cannot be decoded. */
export function answerBadPath(_error: FastifyError, { url }: FastifyRequest, reply: FastifyReply): void {
  const { status, body } = refusal(400, 'bad_request', `the path ${url} is not valid: encode it as a URL`)
  void reply.code(status).header('content-type', 'application/json; charset=utf-8').send(body)
}
