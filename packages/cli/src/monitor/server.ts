/**
 * The HTTP server that says how a command is: `/health/live`, `/health/ready` and `/metrics`, on the loopback address
 * unless another is given. Whatever the pipelines do, it answers; only a process that hangs does not.
 */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hiddenJson, MillraceError, type OutOfReach } from '@millrace/core'
import { usageError } from '../command.ts'
import type { Prometheus } from './prometheus.ts'

/** Why a pipeline is not ready. Without `node`: as a whole. */
export interface Trouble extends Omit<OutOfReach, 'node'> {
  readonly pipeline: string
  readonly node?: string
}

/** What the server shows. */
export interface Shown {
  /** Why the command is not ready now; empty: it is. */
  troubles(): Promise<readonly Trouble[]>
  /** Edits that are not in effect, by pipeline, and why. */
  refused(): ReadonlyMap<string, string>
  readonly prometheus: Pick<Prometheus, 'contentType' | 'text'>
}

/** Where to listen. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A server that listens. */
export interface MonitorServer {
  readonly url: string
  close(): Promise<void>
}

/** `PORT` or `HOST:PORT` in a flag. */
export function addressOf(flag: string, text: string): Address {
  const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw usageError(`--${flag} takes PORT or HOST:PORT, not \`${text}\`.`)
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** Listens. Throws `cannot_listen` where the port is taken; `flag`: the flag that chooses another. */
export async function startMonitor(address: Address, flag: string, shown: Shown): Promise<MonitorServer> {
  const server = createServer((request, response) => {
    const path = request.url!.split('?', 1)[0]!
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (!page) return send(response, 404, json({ error: 'not_found', pages: Object.keys(pages) }))
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response.setHeader('allow', 'GET, HEAD'), 405, json({ error: 'method_not_allowed' }))
    page(shown).then(
      ({ status = 200, ...body }) => send(response, status, body),
      (error: Error) => send(response, 500, json({ error: error.message })),
    )
  })
  await listen(server, address, flag)
  const { port } = server.address() as AddressInfo
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Listens, or throws `cannot_listen`. `flag`: see `startMonitor`. */
export function listen(server: Server, { host, port }: Address, flag: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used: ${cause.message}`
      const hint = `choose another: --${flag} PORT`
      reject(new MillraceError('cannot_listen', `${host}:${port} ${why}`, { hint, exitCode: 3, cause }))
    })
    server.listen(port, host, resolve)
  })
}

interface Body {
  readonly contentType: string
  readonly text: string
}

const json = (value: unknown): Body => ({ contentType: 'application/json', text: `${hiddenJson(value)}\n` })

const pages: Readonly<Record<string, (shown: Shown) => Promise<Body & { readonly status?: number }>>> = {
  '/health/live': async () => json({ status: 'ok' }),
  async '/health/ready'(shown) {
    const troubles = await shown.troubles()
    const refused = Object.fromEntries(shown.refused())
    const more = shown.refused().size > 0 ? { refused } : {}
    if (troubles.length === 0) return json({ status: 'ok', ...more })
    const reasons = troubles.map(({ sinceMs, ...trouble }) => ({ ...trouble, since: new Date(sinceMs).toISOString() }))
    return { status: 503, ...json({ status: 'unavailable', reasons, ...more }) }
  },
  async '/metrics'({ prometheus }) {
    return { contentType: prometheus.contentType, text: await prometheus.text() }
  },
}

function send(response: ServerResponse, status: number, { contentType, text }: Body): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text)
}
