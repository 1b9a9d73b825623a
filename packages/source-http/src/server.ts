/**
 * One server an address, shared by the sources of a run that name it. Routes come and go with their sources, so they are looked up in a table; fastify brings
 * the limits, the parsing of heads and the shutting down.
 */
import { gunzip, inflate, brotliDecompress, type InputType } from 'node:zlib'
import { promisify } from 'node:util'
import { type Json, MillraceError, type RecordType, recordToJsonSchema } from '@millrace/core'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Reply, refusal } from './answer.ts'
import { parseAddress } from './options.ts'

export interface Route {
  readonly method: string
  readonly path: string
  readonly schema: RecordType
  readonly status: number
  readonly greeting: string
  readonly maxBody: number
  take(body: Buffer, headers: FastifyRequest['headers']): Reply | Promise<Reply>
}

interface Shared {
  readonly app: FastifyInstance
  readonly routes: Map<string, Route>
  readonly listening: Promise<void>
}

const servers = new Map<string, Shared>()
const keyOf = (method: string, path: string): string => `${method} ${path}`

/** Adds a route to the server of an address, which is started with its first one. Resolves when it listens; throws when the address cannot be had. */
export async function addRoute(address: string, route: Route, limits: { readonly maxConnections: number }): Promise<() => Promise<void>> {
  let shared = servers.get(address)
  if (!shared) servers.set(address, (shared = start(address, limits)))
  const key = keyOf(route.method, route.path)
  if (shared.routes.has(key))
    throw new MillraceError('route_taken', `two sources listen for ${key} on ${address}`, { hint: 'give one of them another path', exitCode: 2 })
  shared.routes.set(key, route)
  try {
    await shared.listening
  } catch (error) {
    servers.delete(address)
    throw error
  }
  return async () => {
    shared.routes.delete(key)
    if (shared.routes.size > 0) return
    servers.delete(address)
    await shared.app.close()
  }
}

function start(address: string, limits: { readonly maxConnections: number }): Shared {
  const routes = new Map<string, Route>()
  const app = fastify({
    bodyLimit: 64 << 20,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    return503OnClosing: true,
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.server.maxConnections = limits.maxConnections
  app.server.headersTimeout = 15_000
  app.all('/*', (request, reply) => answer(request, reply, routes))
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    return send(reply, refusal(status, status === 413 ? 'too_large' : 'bad_request', status === 413 ? 'the body is too large' : error.message))
  })
  const { host, port } = parseAddress(address)
  const listening = app.listen({ host, port }).then(
    () => undefined,
    (cause: Error & { code?: string }) => {
      const taken = cause.code === 'EADDRINUSE'
      throw new MillraceError('cannot_listen', taken ? `${address} is in use by another program` : `cannot listen on ${address}: ${cause.message}`, {
        hint: 'choose another `address`, or stop what listens there',
        exitCode: 3,
        cause,
      })
    },
  )
  return { app, routes, listening }
}

/** Answers without a promise of its own where it can: the usual request costs little more than its parsing. */
function answer(request: FastifyRequest, reply: FastifyReply, routes: ReadonlyMap<string, Route>): void {
  const path = request.url.split('?', 1)[0]!
  const route = routes.get(keyOf(request.method, path))
  if (!route) return answerOther(request, reply, routes, path)
  const failed = (error: unknown) => void reply.send(error)
  const take = (body: Buffer | Reply) => {
    const made = 'status' in body ? body : route.take(body, request.headers)
    if (made instanceof Promise) made.then((known) => send(reply, known)).catch(failed)
    else send(reply, made)
  }
  const body = bodyOf(request, route.maxBody)
  if (body instanceof Promise) body.then(take).catch(failed)
  else take(body)
}

function answerOther(request: FastifyRequest, reply: FastifyReply, routes: ReadonlyMap<string, Route>, path: string): void {
  if (request.method === 'GET' && path === '/') return void reply.type('text/plain').send([...routes.values()][0]?.greeting ?? '')
  if (request.method === 'GET' && path === '/health') return send(reply, { status: 200, body: { status: 'ok' } })
  if (request.method === 'GET' && path === '/openapi.json') return send(reply, { status: 200, body: openApi([...routes.values()]) })
  const methods = [...routes.values()].filter((r) => r.path === path).map((r) => r.method)
  if (methods.length) return send(reply.header('allow', methods.join(', ')), refusal(405, 'method_not_allowed', `${path} takes ${methods.join(', ')}`))
  return send(reply, refusal(404, 'not_found', `there is nothing at ${path}; /openapi.json lists what there is`))
}

function send(reply: FastifyReply, { status, body, retryAfter }: Reply): void {
  if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter))
  void reply.code(status).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body))
}

const decompressors: Readonly<Record<string, (body: InputType, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/** The body, decompressed within the limit. */
function bodyOf(request: FastifyRequest, limit: number): Buffer | Reply | Promise<Buffer | Reply> {
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  const tooLarge = () => refusal(413, 'too_large', `the body is larger than ${limit} bytes`)
  if (body.length > limit) return tooLarge()
  const encoding = request.headers['content-encoding']
  if (!encoding || encoding === 'identity') return body
  const decompress = decompressors[encoding]
  if (!decompress) return refusal(415, 'unsupported_encoding', `content-encoding ${encoding} is not understood`)
  return decompress(body, { maxOutputLength: limit }).catch((error: { code?: string }) =>
    error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge() : refusal(400, 'bad_body', `the body is no ${encoding}`),
  )
}

function openApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const { method, path, schema, status } of routes) {
    const record = recordToJsonSchema(schema) as Json
    const one = {
      'application/json': { schema: { oneOf: [record, { type: 'array', items: record }] } },
      'application/x-ndjson': { schema: { type: 'string' } },
    }
    ;(paths[path] ??= {})[method.toLowerCase()] = {
      parameters: [{ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string' } }],
      requestBody: { required: true, content: one },
      responses: {
        [status]: { description: 'taken and durable' },
        400: { description: 'no JSON, or a bad date' },
        422: { description: 'a field breaks the schema' },
        413: { description: 'too large' },
        503: { description: 'try again later' },
      },
    }
  }
  return { openapi: '3.1.0', info: { title: 'Millrace gateway', version: '1' }, paths }
}
