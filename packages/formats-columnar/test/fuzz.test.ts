/** The file readers on 20,000 mutated copies of sound files; `npm run fuzz -- 1000000` runs more. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('no copy crashes, hangs or takes more memory than allowed, and most of them reach a decoder of values', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--conditions=@millrace/source',
      '--no-warnings',
      fileURLToPath(new URL('fuzz/main.ts', import.meta.url)),
      '20000',
      '3',
    ],
    { encoding: 'utf8' },
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  console.log(stdout.trim().split('\n').at(-1))
}, 300_000)
