import { sourceContract } from '@millrace/testkit'

sourceContract({
  module: new URL('../src/index.ts', import.meta.url),
  type: '__TYPE__',
  positions: new URL('./positions.json', import.meta.url),
  setup: () => ({
    options: { records: 100, page_size: 20 },
    schema: {
      fields: {
        id: { type: { kind: 'integer' }, optional: false },
        name: { type: { kind: 'string' }, optional: false },
      },
    },
    rows: Array.from({ length: 100 }, (_, i) => ({ id: i + 1, name: `record ${i + 1}` })),
  }),
})
