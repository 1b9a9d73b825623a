import { join } from 'node:path'
import type { Row } from '@millrace/core'
import { openLog } from '@millrace/formats'
import { sinkContract } from '@millrace/testkit'

const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, name: { type: { kind: 'string' }, optional: true } },
} as const
const rows = Array.from({ length: 30 }, (_, n) => ({ n, name: n % 4 ? `n ${n}` : null }))

for (const partitions of [1, 3]) {
  sinkContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'log',
    setup: ({ root }) => ({
      options: {
        stream: 'orders',
        path: 'log',
        format: 'json',
        value_field: 'value',
        order: 'strict',
        partitions,
        ...(partitions > 1 ? { key: 'n' } : {}),
      },
      schema,
      rows,
      visible() {
        const log = openLog(join(root, 'log', 'orders.db'))
        if (!log) return []
        const found: Row[] = []
        for (let p = 0; p < log.partitions; p++)
          for (const chunk of log.read(p, 0, 1e9))
            found.push(
              ...Buffer.from(chunk.body)
                .toString()
                .trimEnd()
                .split('\n')
                .map((line) => JSON.parse(line) as Row),
            )
        log.close()
        return found
      },
    }),
  })
}
