import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// Tests read the packages' sources, never a build. Many wait for a process or a disk: there are more of them than
// cores.
export default defineConfig({
  resolve: { conditions: ['@millrace/source'] },
  ssr: { resolve: { conditions: ['@millrace/source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['scripts/console-ready.ts'],
    // A test that takes long says nothing: the machine may be busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: Math.max(3, availableParallelism()),
  },
})
