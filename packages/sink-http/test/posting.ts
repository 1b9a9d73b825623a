/** A real server on loopback, and a sink that posts to it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  batch,
  type Env,
  type PartialWriteError,
  type RecordType,
  Records,
  type Row,
  type Sink,
  type SinkDefinition,
  type SystemError,
} from '@millrace/core'
import { afterEach } from 'vitest'
import { sinkHttp } from '../src/sink.ts'

export const schema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    invoice: { type: { kind: 'string' }, optional: false },
    note: { type: { kind: 'string' }, optional: true },
  },
}
export const rowsOf = (n: number): Row[] =>
  Array.from({ length: n }, (_, i) => ({ n: i, invoice: `i${i % 5}`, note: null }))
export const records = (rows: readonly Row[], idAt?: (i: number) => string) =>
  new Records({
    rows,
    pipeline: 'p',
    from: [{ source: 's', batch: batch({ split: 'a b', rows, positionAt: (i) => i, ...(idAt ? { idAt } : {}) }) }],
  })
export const never = new AbortController().signal

export const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0))
    await new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections())
})

export interface Got {
  readonly key: string
  readonly ids: string | undefined
  readonly type: string
  readonly body: string
}
export type Reply =
  | number
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }

/** A real server on loopback; `answer` gives the answer to each request, undefined: it never comes. */
export async function listen(
  answer: (got: Got, count: number) => Reply | undefined | Promise<Reply>,
): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', async () => {
      const ids = request.headers['millrace-ids']
      const one: Got = {
        key: String(request.headers['idempotency-key']),
        ids: typeof ids === 'string' ? ids : undefined,
        type: String(request.headers['content-type']),
        body: Buffer.concat(parts).toString(),
      }
      got.push(one)
      const reply = await answer(one, got.length)
      if (reply === undefined) return
      const { status, body, headers = {} } = typeof reply === 'number' ? { status: reply } : reply
      response.writeHead(status, headers)
      response.end(
        body === undefined ? (status < 300 ? '' : 'because') : typeof body === 'string' ? body : JSON.stringify(body),
      )
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, got }
}

export const env: Env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'x', resolve: (p) => p }
export const defaults = {
  method: 'POST',
  body: 'object',
  batch: 500,
  ids: true,
  nulls: 'omit',
  concurrency: 8,
  order: 'none',
  headers: {},
  redirects: 0,
  timeout: 2000,
}
export const make = (url: string, more: Record<string, unknown> = {}): Sink =>
  (sinkHttp as SinkDefinition).create({ ...defaults, url, ...more }, { ...env, schema })
export const opening = (signal = never) => ({
  signal,
  incarnation: 1,
  start: 'test',
  instance: { i: 0, n: 1 },
  warn: () => {},
})

export type Thrown = Omit<PartialWriteError, 'name'> & Omit<SystemError, 'name'>

/** What a write throws. */
export async function thrown(written: Promise<void> | void): Promise<Thrown | undefined> {
  try {
    await written
    return undefined
  } catch (error) {
    return error as Thrown
  }
}

export async function post(url: string, all: Records | readonly Row[], more: Record<string, unknown> = {}) {
  const sink = make(url, more)
  await sink.open!(opening())
  try {
    return await thrown(sink.write(all instanceof Records ? all : records(all), { signal: never, epoch: 1 }))
  } finally {
    await sink.close!()
  }
}

export const failuresOf = (error: Pick<PartialWriteError, 'failures'> | undefined) =>
  (error?.failures ?? []).map(({ index, kind, code }) => [index, kind, code])
/** The numbers that a request of JSON lines carries. */
export const numbers = ({ body }: Got): number[] =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Row)['n'] as number)
