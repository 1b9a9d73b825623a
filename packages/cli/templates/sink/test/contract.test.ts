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
        at: { type: { kind: 'timestamp' }, optional: true },
      },
    },
    // What it can never store: the suite shows that exactly these are named, and that all others are stored.
    nullKeys: { none: 'records are known by their ids' },
    unencodable: [{ row: { id: 1, name: 'late', at: 9e15 }, code: 'out_of_range' }],
    refused: { none: 'a folder takes any text' },
    // What to do so that the system answers nothing: the suite shows that an abort ends every wait.
    hang: { none: 'a folder answers at once' },
    rows: Array.from({ length: 24 }, (_, i) => ({ id: i + 1, name: `record ${i + 1}` })),
    visible: () =>
      readdirSync(join(root, 'records'))
        .filter((name) => name.endsWith('.json'))
        .map((name) => JSON.parse(readFileSync(join(root, 'records', name), 'utf8')) as Row),
  }),
})
