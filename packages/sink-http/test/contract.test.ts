import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Row } from '@millrace/core'
import { sinkContract } from '@millrace/testkit'

const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, name: { type: { kind: 'string' }, optional: true } },
} as const
const rows = Array.from({ length: 30 }, (_, n) => (n % 4 ? { n, name: `n ${n}` } : { n, name: null }))

// A real server that keeps each body under its key and finds fault with negative numbers.
sinkContract({
  module: new URL('../src/index.ts', import.meta.url),
  type: 'http',
  async setup({ defer }) {
    const stored = new Map<string, Row>()
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const row = JSON.parse(Buffer.concat(parts).toString()) as Row
        response.statusCode = (row['n'] as number) < 0 ? 422 : 201
        if (response.statusCode === 201) stored.set(String(request.headers['idempotency-key']), row)
        response.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
    return {
      options: {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        method: 'POST',
        body: 'object',
        batch: 1,
        nulls: 'write',
        concurrency: 4,
        order: 'none',
        headers: {},
        timeout: 2000,
        wait: 1000,
      },
      schema,
      rows,
      refused: { n: -1, name: null },
      visible: () => [...stored.values()],
    }
  },
})
