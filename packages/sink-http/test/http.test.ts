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
} from '@millrace/core'
import { afterEach, describe, expect, it } from 'vitest'
import { sinkHttp } from '../src/sink.ts'

const schema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    invoice: { type: { kind: 'string' }, optional: false },
    note: { type: { kind: 'string' }, optional: true },
  },
}
const rowsOf = (n: number): Row[] => Array.from({ length: n }, (_, i) => ({ n: i, invoice: `i${i % 5}`, note: null }))
const records = (rows: readonly Row[]) =>
  new Records({
    rows,
    pipeline: 'p',
    from: [{ source: 's', batch: batch({ split: 'a b', rows, positionAt: (i) => i }) }],
  })
const signal = new AbortController().signal

let server: Server
afterEach(() => new Promise((resolve) => server.close(resolve)))

interface Got {
  readonly key: string
  readonly type: string
  readonly body: string
}
/** A real server on loopback; `answer` gives the status of each request. */
async function listen(
  answer: (got: Got, count: number) => number | Promise<number>,
): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = []
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', async () => {
      const one = {
        key: String(request.headers['idempotency-key']),
        type: String(request.headers['content-type']),
        body: Buffer.concat(parts).toString(),
      }
      got.push(one)
      response.statusCode = await answer(one, got.length)
      response.end(response.statusCode < 300 ? '' : 'because')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, got }
}

async function post(
  url: string,
  rows: readonly Row[],
  more: Record<string, unknown> = {},
): Promise<PartialWriteError | undefined> {
  const env: Env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'x', resolve: (p) => p }
  const defaults = {
    url,
    method: 'POST',
    body: 'object',
    batch: 500,
    nulls: 'omit',
    concurrency: 8,
    order: 'none',
    headers: {},
    timeout: 2000,
    wait: 1000,
  }
  const sink: Sink = (sinkHttp as SinkDefinition).create({ ...defaults, ...more }, { ...env, schema })
  await sink.open!({ signal, incarnation: 1, start: 'test', instance: { i: 0, n: 1 }, warn: () => {} })
  try {
    await sink.write(records(rows), { signal, epoch: 1 })
    return undefined
  } catch (error) {
    return error as PartialWriteError
  } finally {
    await sink.close!()
  }
}

describe('sink-http', () => {
  it('posts each record once, with its id as the idempotency key, and leaves empty fields out', async () => {
    const { url, got } = await listen(() => 201)
    expect(await post(url, rowsOf(50))).toBeUndefined()
    expect(got.map((g) => g.key).sort()).toEqual(
      rowsOf(50)
        .map((r) => `p/s/a b@${r['n']}`)
        .sort(),
    )
    expect(JSON.parse(got.find((g) => g.key.endsWith('@7'))!.body)).toEqual({ n: 7, invoice: 'i2' })
  })

  it.each([
    ['array', 'application/json', (body: string) => JSON.parse(body) as Row[]],
    [
      'json_lines',
      'application/x-ndjson',
      (body: string) =>
        body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Row),
    ],
  ])('posts several as %s', async (body, type, parse) => {
    const { url, got } = await listen(() => 200)
    await post(url, rowsOf(25), { body, batch: 10, order: 'strict' })
    expect(got.map((g) => parse(g.body).length)).toEqual([10, 10, 5])
    expect(got.flatMap((g) => parse(g.body)).map((r) => r['n'])).toEqual(rowsOf(25).map((r) => r['n']))
    expect(got[0]!.type).toBe(type)
  })

  it('tells what can never pass from what can pass later', async () => {
    const { url } = await listen(({ body }) => ({ 3: 422, 4: 503, 5: 429 })[JSON.parse(body).n as 3] ?? 201)
    const error = await post(url, rowsOf(10))
    expect([...error!.failures].sort((a, b) => a.index - b.index).map((f) => [f.index, f.kind, f.code])).toEqual([
      [3, 'data', 'http_422'],
      [4, 'system', 'http_503'],
      [5, 'system', 'http_429'],
    ])
    expect(error!.failures[0]!.message).toContain('because')
  })

  it('keeps the order of a key: what follows a record that failed is held', async () => {
    const { url, got } = await listen(({ body }) => (JSON.parse(body).n === 5 ? 503 : 201))
    const error = await post(url, rowsOf(20), { order: 'per_key', key: 'invoice' })
    expect(error!.failures.map((f) => [f.index, f.code])).toEqual([
      [5, 'http_503'],
      [10, 'held'],
      [15, 'held'],
    ])
    const ofKey = got.map((g) => JSON.parse(g.body) as Row).filter((r) => r['invoice'] === 'i1')
    expect(ofKey.map((r) => r['n'])).toEqual([1, 6, 11, 16])
  })

  it('says what does not answer, when it is opened', async () => {
    server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    await expect(post(`http://127.0.0.1:${port}/`, rowsOf(1), { wait: 150 })).rejects.toMatchObject({
      name: 'SystemError',
      code: 'http_unreachable',
    })
    server = createServer().listen(0)
  })
})
