/** Every format is known wherever file names are told apart, so a new one cannot be forgotten there. */
import { execFileSync } from 'node:child_process'
import { fileReadFormats } from '@millrace/formats-columnar'
import { expect, it } from 'vitest'
import { sourceTypeOf } from '../packages/transforms/src/join/side.ts'

const endings = fileReadFormats.endings()

it('a join reads a side file by each extension of a format, plain and compressed', () => {
  const unknown = endings.flatMap((ending) =>
    ['', '.gz', '.zst'].map((more) => `side${ending}${more}`).filter((name) => sourceTypeOf(name) === undefined),
  )
  expect(unknown).toEqual([])
})

it('the help of `pipe schema infer` names each format', () => {
  const help = execFileSync(
    process.execPath,
    ['--conditions=@millrace/source', 'packages/cli/src/main.ts', 'schema', 'infer', '--help'],
    { encoding: 'utf8' },
  ).toLowerCase()
  for (const name of ['csv', 'json lines', 'json', 'parquet', 'arrow']) expect(help).toContain(name)
  // A format that is not in the line above is missing in the help as well.
  expect(new Set(endings.map((ending) => fileReadFormats.named(`x${ending}`))).size).toBe(5)
})
