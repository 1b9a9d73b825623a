import { join } from 'node:path'
import type { RecordType, Row } from '@millrace/core'
import { sinkContract } from '@millrace/testkit'
import { defaults, documentRows, everyRow, everyType, integer, string } from './store.ts'

const module = new URL('../src/index.ts', import.meta.url)
const keyed: RecordType = { fields: { group: string(true), at: integer(true), total: integer() } }
const keyedRows: Row[] = Array.from({ length: 15 }, (_, i) => ({ group: 'abc'[i % 3], at: i, total: i * i }))
const half = { ...everyRow(1)[0], text: 'x\ud83d' }

/** Documents known by the record's id. */
sinkContract({
  module,
  type: 'sqlite',
  setup: ({ env }) => ({
    options: { ...defaults, collection: 'every type' },
    schema: everyType,
    rows: everyRow(120),
    visible: () => documentRows(join(env.home, 'store.db'), 'every type', everyType),
    refused: half,
    updates: [everyRow(2)[0]!, everyRow(2)[1]!],
  }),
})

/** Attributes gathered in the document of a key, told apart again. */
sinkContract({
  module,
  type: 'sqlite',
  setup: ({ env }) => ({
    options: {
      ...defaults,
      collection: 'gathered',
      write: 'set',
      key: 'group',
      attribute: { name: 'at', value: ['total'] },
    },
    schema: keyed,
    rows: keyedRows,
    visible: () =>
      documentRows(join(env.home, 'store.db'), 'gathered', { fields: {}, open: true }).flatMap(
        ({ group, ...attributes }) =>
          Object.entries(attributes).map(([at, value]) => ({ group, at: Number(at), ...(value as Row) })),
      ),
    refused: { group: 'a', at: null, total: 1 },
    updates: [
      { group: 'a', at: 1, total: 1 },
      { group: 'a', at: 1, total: 2 },
    ],
  }),
})
