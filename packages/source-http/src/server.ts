/**
 * One server per address, shared by the sources of a run that name it. Routes come and go with their sources, so they
 * are looked up in a table; fastify provides limits and header parsing.
 */
import { isoText, type Json, MillraceError, type OutOfReach, type RecordType, recordToJsonSchema } from '@millrace/core'
import { idsHeader } from '@millrace/kinds'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Reply, refusal } from './reply.ts'
import { BodyRefused, decompressed, type Held, readBody } from './body.ts'
import type { Headers } from './identity.ts'
import { answerBadPath, answerMalformed } from './malformed.ts'
import { parseAddress } from './options.ts'
import type { Signed } from './signature.ts'

export interface Route {
  readonly method: string
  readonly path: string
  readonly schema: RecordType
  readonly status: number
  readonly greeting: string
  readonly maxBody: number
  /** The maximum total size of bodies being received. */
  readonly maxBuffered: number
  /** Whether a request may be taken, from its bytes as they were sent. */
  authorize(wire: Buffer, request: Headers): Signed | Reply
  take(body: Buffer, request: Headers, signed: Signed): Reply | Promise<Reply>
  /** What keeps its records from being answered now. */
  troubles(): Promise<readonly Trouble[]>
}

/** A source or sink that does not work, of the pipeline of a route. */
export interface Trouble extends OutOfReach {
  readonly pipeline: string
}

interface Shared {
  readonly app: FastifyInstance
  readonly routes: Map<string, Route>
  readonly listening: Promise<void>
}

const servers = new Map<string, Shared>()
const keyOf = (method: string, path: string): string => `${method} ${path}`

/**
 * Adds a route to the server of an address, which is started with its first one. Resolves when it listens; throws if
 * the address is not available.
 */
export async function addRoute(
  address: string,
  route: Route,
  limits: { readonly maxConnections: number },
): Promise<() => Promise<void>> {
  let shared = servers.get(address)
  if (!shared) servers.set(address, (shared = start(address, limits)))
  const key = keyOf(route.method, route.path)
  if (shared.routes.has(key))
    throw new MillraceError('route_taken', `two sources listen for ${key} on ${address}`, {
      hint: 'give one of them another path',
      exitCode: 2,
    })
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
    await end(shared.app)
  }
}

/** How long sent answers may take to leave, and arriving bodies to be refused. */
const leavingMs = 250

/**
 * Closes the server: nothing new is accepted, and idle connections are closed immediately. Other open connections
 * cannot become an answered request: a client that connects and sends nothing, or half a request, is not waited for.
 */
async function end(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), leavingMs)
  await app.close()
  clearTimeout(timer)
}

function start(address: string, limits: { readonly maxConnections: number }): Shared {
  const routes = new Map<string, Route>()
  const app = fastify({
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    return503OnClosing: true,
    clientErrorHandler: answerMalformed,
    frameworkErrors: answerBadPath,
  })
  app.removeAllContentTypeParsers()
  const held: Held = { bytes: 0 }
  app.addContentTypeParser('*', (request, payload, done) => readBody(payload, bodyLimits(routes, request), held, done))
  app.server.maxConnections = limits.maxConnections
  app.server.headersTimeout = 15_000
  app.all('/*', (request, reply) => answer(request, reply, routes))
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof BodyRefused) return send(reply.header('connection', 'close'), error.reply)
    return send(reply, refusal(error.statusCode ?? 500, 'bad_request', error.message))
  })
  const { host, port } = parseAddress(address)
  const listening = app.listen({ host, port }).then(
    () => undefined,
    (cause: Error & { code?: string }) => {
      const taken = cause.code === 'EADDRINUSE'
      throw new MillraceError(
        'cannot_listen',
        taken ? `${address} is in use by another program` : `cannot listen on ${address}: ${cause.message}`,
        {
          hint: 'choose another `address`, or stop what listens there',
          exitCode: 3,
          cause,
        },
      )
    },
  )
  return { app, routes, listening }
}

/** Answers without an extra promise where possible: the usual request costs little more than its parsing. */
function answer(request: FastifyRequest, reply: FastifyReply, routes: ReadonlyMap<string, Route>): void {
  const path = pathOf(request)
  const route = routes.get(keyOf(request.method, path))
  if (!route) return answerOther(request, reply, routes, path)
  const failed = (error: unknown) => void reply.send(error)
  const wire = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  const signed = route.authorize(wire, request.raw)
  if ('status' in signed) return send(reply, signed)
  const take = (body: Buffer | Reply) => {
    const made = 'status' in body ? body : route.take(body, request.raw, signed)
    if (made instanceof Promise) made.then((known) => send(reply, known)).catch(failed)
    else send(reply, made)
  }
  const body = decompressed(wire, request.headers['content-encoding'], route.maxBody)
  if (body instanceof Promise) body.then(take).catch(failed)
  else take(body)
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!

function bodyLimits(routes: ReadonlyMap<string, Route>, request: FastifyRequest): { limit: number; room: number } {
  // A body for an unknown route is only read so that the answer can be sent.
  const { maxBody, maxBuffered } = routes.get(keyOf(request.method, pathOf(request))) ?? {
    maxBody: 1 << 20,
    maxBuffered: 1 << 20,
  }
  return { limit: maxBody, room: maxBuffered }
}

function answerOther(
  request: FastifyRequest,
  reply: FastifyReply,
  routes: ReadonlyMap<string, Route>,
  path: string,
): void {
  if (request.method === 'GET' && path === '/')
    return void reply.type('text/plain').send([...routes.values()][0]?.greeting ?? '')
  if (request.method === 'GET' && path === '/health/live') return send(reply, healthy)
  if (request.method === 'GET' && (path === '/health' || path === '/health/ready'))
    return void readiness([...routes.values()]).then((known) => send(reply, known))
  if (request.method === 'GET' && path === '/openapi.json')
    return send(reply, { status: 200, body: JSON.stringify(openApi([...routes.values()])) })
  const methods = [...routes.values()].filter((r) => r.path === path).map((r) => r.method)
  if (methods.length)
    return send(
      reply.header('allow', methods.join(', ')),
      refusal(405, 'method_not_allowed', `${path} takes ${methods.join(', ')}`),
    )
  return send(reply, refusal(404, 'not_found', `there is nothing at ${path}; see /openapi.json`))
}

const healthy: Reply = { status: 200, body: '{"status":"ok"}' }

/** Whether what the routes feed can take and answer records. */
async function readiness(routes: readonly Route[]): Promise<Reply> {
  const found = (await Promise.all(routes.map((route) => route.troubles()))).flat()
  // Two routes of one pipeline have the same troubles.
  const reasons = new Set(found.map(({ sinceMs, ...why }) => JSON.stringify({ ...why, since: isoText(sinceMs) })))
  if (reasons.size === 0) return healthy
  return { status: 503, body: `{"status":"unavailable","reasons":[${[...reasons].join()}]}`, retryAfter: 1 }
}

function send(reply: FastifyReply, { status, body, retryAfter, closes }: Reply): void {
  if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter))
  if (closes) void reply.header('connection', 'close')
  void reply.code(status).header('content-type', 'application/json; charset=utf-8').send(body)
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
      parameters: ['Idempotency-Key', idsHeader].map((name) => ({
        name,
        in: 'header',
        required: false,
        schema: { type: 'string' },
      })),
      requestBody: { required: true, content: one },
      responses: {
        [status]: { description: 'accepted and durable' },
        207: { description: 'some records were refused or have failed: an outcome for each' },
        400: { description: 'not JSON, an invalid date, or keys and ids that cannot be read' },
        422: { description: 'a field breaks the schema, or the record could not be stored' },
        413: { description: 'too large' },
        503: { description: 'try again later' },
      },
    }
  }
  return { openapi: '3.1.0', info: { title: 'Millrace gateway', version: '1' }, paths }
}
