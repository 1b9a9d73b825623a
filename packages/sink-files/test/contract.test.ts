import { join } from 'node:path'
import { sinkContract } from '@millrace/testkit'
import { everyRow, everyType, visibleRows } from './read.ts'

const module = new URL('../src/index.ts', import.meta.url)
const defaults = { existing: 'stop', max_open_files: 128 }
const half = { ...everyRow(1)[0], city: 'x\ud83d' }

// One of each kind: cut back, cut back and finished early, held until a roll. The other tests of this folder go through the rest in one process.
const cases: [what: string, options: Record<string, unknown>, refuses?: boolean][] = [
  ['a file of JSON lines', { path: 'out/lines.jsonl' }],
  ['CSV in folders by city and month', { path: 'out/{city}/{at:yyyy-MM}', format: 'csv', max_open_files: 3 }, true],
  ['compressed JSON arrays', { path: 'out/', format: 'json', compression: 'zstd' }],
]

for (const [, options, refuses] of cases) {
  sinkContract({
    module,
    type: 'files',
    setup: ({ root }) => ({
      options: { ...defaults, ...options },
      schema: everyType,
      rows: everyRow(60),
      visible: () => visibleRows(join(root, 'out'), everyType),
      ...(refuses ? { refused: half } : {}),
      guardsExisting: true,
    }),
  })
}
