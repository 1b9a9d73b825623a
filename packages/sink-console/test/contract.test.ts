import { afterEach, beforeEach, vi } from 'vitest'
import { sinkContract } from '@millrace/testkit'

// The sink prints to this process's own stream: kept out of the test's output.
beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation(((_text: string, done: () => void) => {
    done()
    return true
  }) as typeof process.stderr.write)
})
afterEach(() => {
  vi.restoreAllMocks()
})

sinkContract({
  module: new URL('../src/index.ts', import.meta.url),
  type: 'console',
  setup: () => ({
    options: { format: 'json', to: 'stderr' },
    schema: {
      fields: {
        n: { type: { kind: 'integer' }, optional: false },
        at: { type: { kind: 'timestamp' }, optional: true },
        any: { type: { kind: 'json' }, optional: true },
      },
    },
    rows: Array.from({ length: 20 }, (_, n) => ({ n, at: n })),
    nullKeys: { none: 'lines are printed, without a key' },
    unencodable: [{ row: { n: 1, at: 9e15 }, code: 'out_of_range' }],
    refused: { none: 'a terminal prints any text' },
    hang: { none: 'its own output is that of this process; print.test.ts fills a pipe' },
  }),
})
