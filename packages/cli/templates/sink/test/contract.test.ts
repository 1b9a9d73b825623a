import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '@millrace/core'
import { sinkContract } from '@millrace/testkit'

sinkContract({
  module: new URL('../src/index.ts', import.meta.url),
  type: '__TYPE__',
  setup: ({ root }) => ({
    options: { folder: 'records' },
    schema: {
      fields: {
        id: { type: { kind: 'integer' }, optional: false },
        name: { type: { kind: 'string' }, optional: false },
      },
    },
    rows: Array.from({ length: 24 }, (_, i) => ({ id: i + 1, name: `record ${i + 1}` })),
    visible: () =>
      readdirSync(join(root, 'records'))
        .filter((name) => name.endsWith('.json'))
        .map((name) => JSON.parse(readFileSync(join(root, 'records', name), 'utf8')) as Row),
  }),
})
