import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startOnce } from '@millrace/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

it('a run resumed after a crash finds the other side of a join unchanged, or stops', { timeout: 60_000 }, async () => {
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
  // The next run is a new one.
  side('new')
  expect(await pipe(['run', 'named.yaml'], folder)).toMatchObject({ code: 0 })
})

it('the other side of a join is read again while its server cannot answer', { timeout: 60_000 }, async () => {
  const folder = freshFolder()
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    const page = new URL(request.url!, 'http://here').searchParams.get('page')
    if (asked === 2) response.writeHead(503).end()
    else response.end(page === '1' ? '[{"id":1,"name":"one"}]' : page === '2' ? '[{"id":2,"name":"two"}]' : '[]')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const files = {
    'millrace.yaml': 'version: 1\n',
    'in.csv': 'n,id\n7,1\n8,2\n',
    'named.yaml': `version: 1
name: named
sources:
  rows: { type: csv, config: { path: in.csv }, schema: { fields: { n: integer, id: integer } } }
  names:
    type: http_poll
    config: { url: "http://127.0.0.1:${port}/names", page: {}, stop: end, allow_private: true }
    schema: { fields: { id: integer, name: string } }
steps:
  - { from: rows, join: { source: names, on: id } }
sinks: { all: { type: files, config: { path: out } } }
`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  expect(await pipe(['run', 'named.yaml'], folder)).toMatchObject({ code: 0 })
  expect(asked).toBe(5)
  const file = readdirSync(join(folder, 'out')).find((name) => name.endsWith('.jsonl'))
  expect(readFileSync(join(folder, 'out', file!), 'utf8')).toBe(
    '{"n":7,"id":1,"name":"one"}\n{"n":8,"id":2,"name":"two"}\n',
  )
})
