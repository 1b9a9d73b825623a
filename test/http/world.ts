/**
 * Requests as a user has them made: a real `pipe run` whose sink posts three records, or whose source polls three, with
 * the same options, against real servers.
 */
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freshFolder, pipe } from '../../packages/cli/test/terminal.ts'

/** Who sends requests. */
export const askers = ['sink', 'poll'] as const
export type Asker = (typeof askers)[number]

/** What a run has left. */
export interface Ran {
  readonly code: number
  /** All that was printed. */
  readonly printed: string
  /** All that is in files of the project, but for the spec. */
  readonly stored: string
  readonly ms: number
}

/** Records that arrived at a server by a POST, or that a GET returns. */
const rows = '[{"n":0},{"n":1},{"n":2}]'

const spec = (asker: Asker, url: string, config: object) =>
  asker === 'sink'
    ? {
        source: { type: 'csv', config: { path: 'in.csv' }, schema: { fields: { n: 'integer' } } },
        sinks: { out: { type: 'http', config: { url, body: 'array', ...config }, retry: { for: '100ms' } } },
      }
    : {
        source: {
          type: 'http_poll',
          config: { url, stop: 'end', allow_private: true, ...config },
          schema: { fields: { n: 'integer' } },
          retry: { for: '100ms' },
        },
        sinks: { out: { type: 'files', config: { path: 'out.jsonl', existing: 'replace' } } },
      }

/** Runs it once. `env`: of the process, while it runs. */
export async function run(
  asker: Asker,
  url: string,
  config: object = {},
  { env = {}, secrets = {} }: { env?: Record<string, string>; secrets?: Record<string, string> } = {},
): Promise<Ran> {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'in.csv'), 'n\n0\n1\n2\n')
  writeFileSync(
    join(folder, 'pipelines/asks.yaml'),
    JSON.stringify({
      version: 1,
      name: 'asks',
      ...spec(asker, url, config),
      on_error: { data: 'dead_letter' },
      dead_letter: { type: 'files', config: { path: 'bad.jsonl' } },
    }),
  )
  for (const [name, value] of Object.entries(env)) process.env[name] = value
  const beganMs = performance.now()
  try {
    const { code, out, err } = await pipe(['run', 'asks'], folder, secrets)
    return { code, printed: out + err, stored: filesIn(folder), ms: performance.now() - beganMs }
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
  }
}

const filesIn = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'asks.yaml')
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')

/** A server on loopback that keeps what it was sent; `secure`: settings of TLS. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void = answerRows,
  secure?: object,
): Promise<{ readonly url: string; readonly asked: readonly IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  const listener: RequestListener = (request, response) => {
    asked.push(request)
    request.resume().on('end', () => answer(request, response, asked.length))
  }
  const server = secure ? createSecureServer(secure, listener) : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${secure ? 'https://localhost' : 'http://127.0.0.1'}:${port}/x`, asked }
}

/** Takes a POST, and answers three rows to a GET. */
export function answerRows(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(rows)
}
