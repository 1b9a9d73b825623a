/** A pipeline that polls a server for its records, killed on the way. */
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Death, runUntilDone } from '@millrace/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

it('delivers each record once after a SIGKILL before and after a page is saved, and requests the unsaved page again', async () => {
  const asked: number[] = []
  const server = createServer((request, response) => {
    const k = Number(new URL(request.url!, 'http://here').searchParams.get('after') ?? 0)
    asked.push(k)
    response.end(
      JSON.stringify({ list: Array.from({ length: 5 }, (_, i) => ({ n: k * 5 + i })), next: k < 6 ? k + 1 : null }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const spec = (more: string) => `version: 1
name: asked
source:
  type: http_poll
  config: { url: "http://127.0.0.1:${(server.address() as AddressInfo).port}/list", stop: end, items: list, cursor: { field: next, param: after }${more} }
  schema: { fields: { n: integer } }
sinks: { out: { type: files, config: { path: out.jsonl } } }
`
  writeFileSync(join(folder, 'pipelines/asked.yaml'), spec(''))
  expect(await pipe(['run'], folder)).toMatchObject({ code: 3, err: expect.stringContaining('private_address') })
  expect(asked).toEqual([])

  // At this rate each page is an epoch.
  writeFileSync(join(folder, 'pipelines/asked.yaml'), spec(', rate: 8, allow_private: true'))
  const deaths: Death[] = ['after_read:3', 'after_write:2', 'after_save:1'].map((at) => {
    const [point, time] = at.split(':')
    return { point: point!, time: Number(time) }
  })
  const main = resolve(import.meta.dirname, '../src/main.ts')
  const program = {
    command: process.execPath,
    args: ['--conditions=@millrace/source', '--no-warnings', main, 'run'],
    cwd: folder,
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
  }
  const { kills } = await runUntilDone(program, (start) => deaths[start] ?? 'lives')
  expect(kills).toBe(deaths.length)
  const out = readFileSync(join(folder, 'out.jsonl'), 'utf8').trim().split('\n')
  expect(out.map((line) => (JSON.parse(line) as { n: number }).n)).toEqual(Array.from({ length: 35 }, (_, n) => n))
  expect(asked.length).toBeGreaterThan(7)
}, 60_000)
