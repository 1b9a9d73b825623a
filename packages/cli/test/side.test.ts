import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startOnce } from '@millrace/testkit'
import { expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

it('a run that goes on after a crash finds the same other side of a join, or stops', { timeout: 60_000 }, async () => {
  const folder = freshFolder()
  const side = (name: string) =>
    writeFileSync(
      join(folder, 'names.csv'),
      `id,name\n${Array.from({ length: 10 }, (_, id) => `${id},${name} ${id}`).join('\n')}\n`,
    )
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(
    join(folder, 'in.csv'),
    `n,id\n${Array.from({ length: 40_000 }, (_, n) => `${n},${n % 10}`).join('\n')}\n`,
  )
  writeFileSync(
    join(folder, 'named.yaml'),
    `version: 1
name: named
source: { type: csv, config: { path: in.csv }, schema: { fields: { n: integer, id: integer } } }
steps:
  - join: { file: names.csv, schema: { fields: { id: integer, name: string } }, on: id }
sinks: { all: { type: sqlite, config: { path: store.db, collection: named } } }
`,
  )
  side('old')
  const args = ['--conditions=@millrace/source', join(import.meta.dirname, '../src/main.ts'), 'run', 'named.yaml']
  expect(
    await startOnce({ command: process.execPath, args, cwd: folder }, { point: 'after_save', time: 2 }),
  ).toMatchObject({ killed: true })
  side('new')
  expect(await pipe(['run', 'named.yaml'], folder)).toMatchObject({
    code: 2,
    err: expect.stringContaining('side_changed'),
  })
  side('old')
  expect(await pipe(['run', 'named.yaml'], folder)).toMatchObject({ code: 0 })
  // The next run is another one.
  side('new')
  expect(await pipe(['run', 'named.yaml'], folder)).toMatchObject({ code: 0 })
})
