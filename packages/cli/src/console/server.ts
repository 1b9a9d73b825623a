/**
 * The HTTP server of the console: files for browsers, and the interface that these use, JSON and one stream of events.
 * Nobody else's pages can read or change anything (access.ts), and nothing is loaded from elsewhere.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MillraceError } from '@millrace/core'
import { type Address, listen } from '../monitor/server.ts'
import { createAccess } from './access.ts'
import { type ConsoleFile, readConsoleFiles } from './files.ts'
import type { Live } from './live.ts'
import { errorJson, type FileAnswer, refuse, sendDownload, sendEvents, sendJson, sendSnapshots } from './sending.ts'

/** What is answered at one path. Of the three it has one. */
export interface Route {
  /** It changes something: POST, and refused under `--read-only`. */
  readonly changes?: boolean
  /** A value, sent as JSON. Undefined: there is no such thing. */
  answer?(request: ConsoleRequest): unknown
  /** Values, sent as events until they end or the browser is gone. */
  events?(request: ConsoleRequest): AsyncIterable<unknown>
  /** A file. Undefined: there is no such thing. */
  file?(request: ConsoleRequest): Promise<FileAnswer | undefined>
}

/** A request for a route. */
export interface ConsoleRequest {
  /** What stands for each `*` of the path. */
  readonly parts: readonly string[]
  readonly query: URLSearchParams
  /** Of a POST. */
  readonly body: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
}

/** What a console shows. */
export interface ConsoleContent {
  readonly live: Pick<Live, 'snapshot' | 'watch'>
  /** By path, `*` for a part of it: `/api/runs/*`. */
  readonly routes: Readonly<Record<string, Route>>
  readonly isReadOnly: boolean
}

/** A console that listens. */
export interface Console {
  /** With the token. */
  readonly url: string
  close(): Promise<void>
}

const mostBodyBytes = 1024 * 1024
/** Positions of many partitions stand in an address. */
const mostHeaderBytes = 64 * 1024

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Listens. Throws `cannot_listen`, `console_not_built`. */
export async function startConsole(address: Address, { live, routes, isReadOnly }: ConsoleContent): Promise<Console> {
  const files = readConsoleFiles()
  const hosts = new Set<string>()
  const table = Object.entries(routes).map(([path, route]) => ({ pattern: path.split('/'), route }))
  const server = createServer({ maxHeaderSize: mostHeaderBytes }, (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    respond(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      sendJson(response, error instanceof MillraceError ? 422 : 500, { error: errorJson(error) })
    })
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  await listen(server, address, 'console')
  const { port } = server.address() as AddressInfo
  for (const host of ['127.0.0.1', 'localhost', '[::1]', bracketed(address.host)]) hosts.add(`${host}:${port}`)
  const access = createAccess(hosts, port)

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusedHost = access.refuseHost(request)
    if (refusedHost) return refuse(response, refusedHost.status, refusedHost.code)
    const url = new URL(request.url!, 'http://console')
    const isPost = request.method === 'POST'
    if (!isPost && request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(response.setHeader('allow', 'GET, HEAD, POST'), 405, 'method_not_allowed')
    if (isPost) {
      const foreign = access.refuseOrigin(request)
      if (foreign) return refuse(response, foreign.status, foreign.code)
    }
    if (!url.pathname.startsWith('/api/')) {
      if (isPost) return refuse(response, 405, 'method_not_allowed')
      return sendFile(response, files, url.pathname)
    }
    if (url.pathname === '/api/session') {
      const cookie = isPost ? access.cookieFor((await bodyOf(request))['token']) : undefined
      if (cookie === undefined) return refuse(response, 401, 'no_session')
      response.setHeader('set-cookie', cookie)
      return sendJson(response, 200, {})
    }
    const noSession = access.refuseSession(request)
    if (noSession) return refuse(response, noSession.status, noSession.code)
    if (url.pathname === '/api/live' && !isPost) return sendSnapshots(request, response, live)
    const found = match(table, url.pathname)
    if (!found) return refuse(response, 404, 'not_found')
    if ((found.route.changes ?? false) !== isPost) return refuse(response, 405, 'method_not_allowed')
    if (isPost && isReadOnly) return refuse(response, 403, 'read_only')
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const body = isPost ? await bodyOf(request) : {}
    const asked = { parts: found.parts, query: url.searchParams, body, signal: gone.signal }
    const { answer, events, file } = found.route
    if (events) return sendEvents(response, events(asked), gone.signal)
    const value = file ? await file(asked) : await answer!(asked)
    if (value === undefined) return refuse(response, 404, 'not_found')
    if (file) return sendDownload(response, value as FileAnswer, gone.signal)
    sendJson(response, 200, value)
  }

  const shownHost = address.host === '0.0.0.0' || address.host === '::' ? '127.0.0.1' : bracketed(address.host)
  return {
    url: `http://${shownHost}:${port}/#token=${access.token}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

function match(table: readonly { readonly pattern: readonly string[]; readonly route: Route }[], path: string) {
  const given = path.split('/')
  for (const { pattern, route } of table) {
    if (pattern.length !== given.length) continue
    if (!pattern.every((part, i) => part === '*' || part === given[i])) continue
    try {
      const parts = pattern.flatMap((part, i) => (part === '*' ? [decodeURIComponent(given[i]!)] : []))
      return { route, parts }
    } catch {
      return undefined
    }
  }
  return undefined
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const wrong = (message: string) => new MillraceError('bad_value', message)
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) throw wrong('the body must be JSON')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBodyBytes) throw wrong('the body is too large')
    chunks.push(chunk)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  } catch {}
  throw wrong('the body must be a JSON object')
}

/** Paths of views are answered with the page, which shows them. */
function sendFile(response: ServerResponse, files: ReadonlyMap<string, ConsoleFile>, path: string): void {
  const isView = !path.includes('.')
  const file = files.get(path) ?? (isView ? files.get('/') : undefined)
  if (!file) return refuse(response, 404, 'not_found')
  const cache = file.isLasting ? 'max-age=31536000, immutable' : 'no-cache'
  response.writeHead(200, { 'content-type': file.type, 'cache-control': cache }).end(file.bytes)
}
