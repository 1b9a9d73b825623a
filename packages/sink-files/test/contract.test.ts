import { join } from 'node:path'
import { sinkContract } from '@millrace/testkit'
import { everyRow, everyType, visibleRows } from './read.ts'

const module = new URL('../src/index.ts', import.meta.url)
const defaults = { existing: 'stop', max_open_files: 128 }
const half = { ...everyRow(1)[0], city: 'x\ud83d' }

// One that is cut back, with files finished early, and one that is held until a roll. power.test.ts cuts others off at
// every call, in one process.
const cases: [what: string, options: Record<string, unknown>][] = [
  ['CSV in folders by city and month', { path: 'out/{city}/{at:yyyy-MM}', format: 'csv', max_open_files: 3 }],
  ['Parquet', { path: 'out/', format: { type: 'parquet', row_group: 7 } }],
]

for (const [, options] of cases) {
  sinkContract({
    module,
    type: 'files',
    setup: ({ root }) => ({
      options: { ...defaults, ...options },
      schema: everyType,
      rows: everyRow(60),
      visible: () => visibleRows(join(root, 'out'), everyType),
      nullKeys: { none: 'records are appended, without a key' },
      unencodable: [{ row: half, code: 'bad_text' }],
      refused: { none: 'a file takes any bytes' },
      hang: { none: 'a local disk cannot be made to hang' },
      guardsExisting: true,
    }),
  })
}
