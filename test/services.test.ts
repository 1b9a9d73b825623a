import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { down, pidOf, up } from '../services/process.ts'
import type { Place, Server } from '../services/server.ts'
import { folderHash } from '../services/tools.ts'

let place: Place
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-services-'))
  place = { cache: root, run: join(root, 'run'), port: 0 }
})
afterEach(async () => {
  await down(place)
  rmSync(place.cache, { recursive: true, force: true })
})

/** A server that is a script; it is healthy when it has written a file. */
const scripted = (script: string): Server => ({
  name: 'scripted',
  ports: 0,
  get: async () => {},
  command: ({ run }) => [process.execPath, '-e', script, run],
  healthy: async ({ run }) => {
    const { existsSync } = await import('node:fs')
    if (!existsSync(join(run, 'ready'))) throw new Error('not ready')
  },
  env: () => ({}),
})
const good = scripted(
  "setTimeout(() => require('node:fs').writeFileSync('ready', ''), 50); setInterval(() => {}, 1000)",
)

test('a server is started once, and known again', async () => {
  await up(good, place)
  const pid = await pidOf(place)
  await up(good, place)
  expect(pid).toBeGreaterThan(1)
  expect(await pidOf(place)).toBe(pid)
  expect(await down(place)).toBe(true)
  expect(await pidOf(place)).toBeUndefined()
  expect(await down(place)).toBe(false)
})

test('a process that got the pid of a server is not taken for it, nor killed', async () => {
  mkdirSync(place.run, { recursive: true })
  writeFileSync(join(place.run, 'pid'), String(process.pid))
  expect(await pidOf(place)).toBeUndefined()
  expect(await down(place)).toBe(false)
})

test('a server that dies is told with the last lines of its log', async () => {
  const bad = scripted("console.error('the port is taken'); process.exit(1)")
  await expect(up(bad, place)).rejects.toThrow(/scripted has died:\nthe port is taken/)
})

test('a server that cannot be started is told as well', async () => {
  await expect(up({ ...good, command: ({ run }) => [join(run, 'nothing')] }, place)).rejects.toThrow(
    'scripted has died',
  )
})

test('another program on its port does not make a dead server healthy', async () => {
  // The answer comes long after the server has ended, on a busy machine too.
  const bad = {
    ...scripted('process.exit(1)'),
    healthy: () => new Promise<void>((resolve) => setTimeout(resolve, 3000)),
  }
  await expect(up(bad, place)).rejects.toThrow('scripted has died')
})

test('a folder has one hash over its files and their names', () => {
  mkdirSync(join(place.cache, 'lib'))
  writeFileSync(join(place.cache, 'lib', 'b'), 'two')
  writeFileSync(join(place.cache, 'lib', 'a'), 'one')
  // printf one > a; printf two > b; sha256sum * | sha256sum
  expect(folderHash(join(place.cache, 'lib'))).toBe('d17138d96382403690482a89da33475336ab36c046a6912a86badedd62301cb8')
})
