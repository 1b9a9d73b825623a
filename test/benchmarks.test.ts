import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// Nothing is timed here; the tests check that every contestant runs and that they leave the same results.
test('the benchmarks run, and all contestants come to the same result', { timeout: 180_000 }, async () => {
  const main = fileURLToPath(new URL('../benchmarks/main.ts', import.meta.url))
  const env = { ...process.env, NODE_OPTIONS: '', MILLRACE_DATA: '' }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@millrace/source', '--no-warnings', main, '--quick'],
    { env },
  )
  expect(stdout.match(/: outputs equal/g)).toHaveLength(5)
  expect(stdout).not.toContain('MISSED')
})
