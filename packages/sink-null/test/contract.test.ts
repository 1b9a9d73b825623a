import { sinkContract } from '@millrace/testkit'

sinkContract({
  module: new URL('../src/index.ts', import.meta.url),
  type: 'null',
  setup: () => ({
    options: {},
    schema: { fields: { n: { type: { kind: 'integer' }, optional: false } } },
    rows: Array.from({ length: 20 }, (_, n) => ({ n })),
    nullKeys: { none: 'it looks at no record' },
    unencodable: { none: 'it looks at no record' },
    refused: { none: 'it looks at no record' },
    hang: { none: 'it waits for nothing' },
    updates: [{ n: 1 }, { n: 2 }],
  }),
})
