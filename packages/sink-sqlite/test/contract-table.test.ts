import { join } from 'node:path'
import { sinkContract } from '@millrace/testkit'
import { defaults, everyRow, everyType, tableRows } from './store.ts'

/** Rows added to a table. */
sinkContract({
  module: new URL('../src/index.ts', import.meta.url),
  type: 'sqlite',
  setup: ({ env }) => ({
    options: { ...defaults, table: 'every type' },
    schema: everyType,
    rows: everyRow(120),
    visible: () => tableRows(join(env.home, 'store.db'), 'every type', everyType),
    refused: { ...everyRow(1)[0], text: 'x\ud83d' },
    guardsExisting: true,
  }),
})
