import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RecordType, Row } from '@millrace/core'
import { decodeIds } from '@millrace/kinds'
import { sinkContract } from '@millrace/testkit'

const schema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    name: { type: { kind: 'string' }, optional: true },
    at: { type: { kind: 'timestamp' }, optional: true },
  },
}
const rows = Array.from({ length: 30 }, (_, n) => (n % 4 ? { n, name: `n ${n}` } : { n, name: null }))
const defaults = {
  method: 'POST',
  body: 'object',
  batch: 7,
  ids: true,
  nulls: 'write',
  concurrency: 4,
  order: 'none',
  headers: {},
  redirects: 0,
  timeout: 20_000,
}

/** How a server answers requests of which some items (negative numbers) are bad. */
type Manner =
  /** Refuses the whole request, and names them. */
  | 'names them'
  /** Refuses the whole request, and names none. */
  | 'names none'
  /** Takes the others, and tells each item's outcome. */
  | 'tells each'

/** A real server that keeps each record under its id, and finds fault with negative numbers. */
function keeper(manner: Manner, stored: Map<string, Row>) {
  const answer = (request: IncomingMessage, body: string): [status: number, body: unknown] => {
    const type = request.headers['content-type']
    const items =
      type === 'application/x-ndjson'
        ? body
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Row)
        : ([JSON.parse(body)].flat() as Row[])
    const header = request.headers['millrace-ids']
    const ids = header ? decodeIds(String(header), items.length) : [String(request.headers['idempotency-key'])]
    const bad = items.flatMap((row, item) => ((row['n'] as number) < 0 ? [item] : []))
    const keep = (item: number) => stored.set(ids[item]!, items[item]!)
    if (bad.length === 0) {
      for (const item of items.keys()) keep(item)
      return [201, '']
    }
    const errors = (item: number) => [{ item, field: 'n', code: 'negative', message: 'n is negative' }]
    if (manner === 'names none') return [422, 'one of them is bad']
    if (manner === 'names them') return [422, { error: 'refused', message: 'no', errors: bad.flatMap(errors) }]
    return [
      207,
      items.map((record, item) => {
        if (bad.includes(item)) return { item, outcome: item % 2 ? 'refused' : 'failed', errors: errors(item) }
        keep(item)
        return { item, outcome: item % 3 ? 'taken' : 'dropped', record }
      }),
    ]
  }
  let hung = false
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      if (hung) return
      const [status, body] = answer(request, Buffer.concat(parts).toString())
      response.statusCode = status
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  return {
    server,
    hang() {
      hung = true
      return () => (hung = false)
    },
  }
}

const cases: [options: Partial<typeof defaults>, manner: Manner, code: string][] = [
  [{ body: 'object' }, 'names none', 'http_422'],
  [{ body: 'array' }, 'tells each', 'negative'],
  [{ body: 'json_lines', order: 'strict' }, 'names them', 'negative'],
  [{ body: 'json_lines', batch: 100 }, 'names none', 'http_422'],
]

for (const [options, manner, code] of cases) {
  sinkContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'http',
    async setup({ defer }) {
      const stored = new Map<string, Row>()
      const { server, hang } = keeper(manner, stored)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      defer(() => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()))
      const { port } = server.address() as AddressInfo
      return {
        options: { ...defaults, ...options, url: `http://127.0.0.1:${port}/` },
        schema,
        rows,
        nullKeys: { none: 'records are known by their ids; `key` is for their order alone' },
        unencodable: [{ row: { n: 1, name: 'late', at: 9e15 }, code: 'out_of_range' }],
        refused: [
          { row: { n: -1, name: null }, code },
          { row: { n: -2, name: 'x' }, code },
        ],
        hang,
        visible: () => [...stored.values()],
      }
    },
  })
}
