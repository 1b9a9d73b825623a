/** How the command ends when it is told to, or has to: nothing is lost, and it never hangs. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const main = ['--conditions=@millrace/source', resolve(import.meta.dirname, '../src/main.ts')]
const csv = 'source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer } } }'

/** A project with one pipeline `job` over the numbers below `n`. */
function project({ source = csv, sink, n = 1000, more = '' }: Job): string {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'data.csv'), `id\n${Array.from({ length: n }, (_, i) => i).join('\n')}\n`)
  writeFileSync(join(folder, 'job.yaml'), `version: 1\nname: job\n${more}${source}\nsinks: { out: ${sink} }\n`)
  return folder
}
interface Job {
  readonly source?: string
  readonly sink: string
  readonly n?: number
  readonly more?: string
}

/** The real command. `seen` resolves as soon as it has printed that. */
function start(folder: string, ...words: string[]) {
  const child: ChildProcess = spawn(process.execPath, [...main, 'run', 'job.yaml', ...words], { cwd: folder })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (printed += String(text)))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, printed }))
  return { child, ended, seen: (what: RegExp) => until(() => what.test(printed)) }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 2000; n++) {
    if (await holds()) return
    await sleep(10)
  }
  throw new Error('it did not come to that')
}

/** An HTTP server that holds every request until it is told to answer. */
async function slowServer(port: number) {
  const waiting: (() => void)[] = []
  let answers = false
  const ids = new Set<string>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (text) => (body += String(text)))
    request.on('end', () => {
      const answer = () => {
        ids.add(body)
        response.end()
      }
      if (answers) answer()
      else waiting.push(answer)
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    ids,
    asked: () => waiting.length > 0,
    answer() {
      answers = true
      for (const each of waiting) each()
    },
  }
}

it('SIGTERM ends a wait for an unreachable system immediately', async () => {
  const port = await freePort()
  const folder = project({ sink: `{ type: http, config: { url: "http://127.0.0.1:${port}/x" }, retry: { for: 60s } }` })
  const { child, ended } = start(folder)
  await until(() => existsSync(join(folder, '.millrace/local/job/state.db')))
  await sleep(500)
  const from = performance.now()
  child.kill('SIGTERM')
  const { code, printed } = await ended
  expect(performance.now() - from).toBeLessThan(5000)
  expect([code, printed]).toEqual([3, expect.stringContaining(`127.0.0.1:${port}`)])
})

it('SIGTERM waits for work in progress, and saves it', async () => {
  const port = await freePort()
  const server = await slowServer(port)
  const folder = project({ sink: `{ type: http, config: { url: "http://127.0.0.1:${port}/x" } }`, n: 20 })
  const { child, ended, seen } = start(folder, '--json')
  await until(server.asked)
  child.kill('SIGTERM')
  await seen(/"code":"stopping"/)
  server.answer()
  const { code } = await ended
  expect(code).toBe(0)
  expect((await pipe(['run', 'job.yaml', '--json'], folder)).code).toBe(0)
  expect(server.ids.size).toBe(20)
})

it('work that takes longer than --drain-timeout is abandoned and repeated by the next run', async () => {
  const port = await freePort()
  const server = await slowServer(port)
  const folder = project({ sink: `{ type: http, config: { url: "http://127.0.0.1:${port}/x" } }`, n: 20 })
  const { child, ended } = start(folder, '--drain-timeout', '1s')
  await until(server.asked)
  const from = performance.now()
  child.kill('SIGTERM')
  const { code, printed } = await ended
  expect(performance.now() - from).toBeLessThan(8000)
  expect([code, printed]).toEqual([1, expect.stringContaining('nothing is lost')])
  server.answer()
  expect(JSON.parse((await pipe(['run', 'job.yaml', '--json'], folder)).out)).toMatchObject({
    ended: true,
    balances: true,
  })
  expect(server.ids.size).toBe(20)
})

it('a second signal stops immediately, and nothing is lost', async () => {
  const port = await freePort()
  const server = await slowServer(port)
  const folder = project({ sink: `{ type: http, config: { url: "http://127.0.0.1:${port}/x" } }`, n: 20 })
  const { child, ended, seen } = start(folder)
  await until(server.asked)
  child.kill('SIGTERM')
  await seen(/a second one stops at once/)
  await sleep(400)
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 143, printed: expect.stringContaining('resumes from the last checkpoint') })
  server.answer()
  expect((await pipe(['run', 'job.yaml'], folder)).code).toBe(0)
  expect(server.ids.size).toBe(20)
})

it('a connector that ignores its signal is abandoned, and named with its package', async () => {
  const folder = project({ sink: '{ type: deaf, config: {} }' })
  const home = join(folder, 'node_modules/millrace-sink-deaf')
  mkdirSync(home, { recursive: true })
  writeFileSync(
    join(home, 'package.json'),
    '{ "name": "millrace-sink-deaf", "type": "module", "millrace": { "connectors": ["./index.js"] } }',
  )
  writeFileSync(
    join(home, 'index.js'),
    `export default [{ kind: 'sink', type: 'deaf', summary: '', options: {},
  capabilities: () => ({ label: 'at-least-once', how: 'it never answers', key: 'record_id' }),
  create: () => ({ write() { process.stderr.write('writing'); return new Promise(() => {}) } }) }]\n`,
  )
  writeFileSync(join(folder, 'package.json'), '{ "dependencies": { "millrace-sink-deaf": "1" } }')
  const { child, ended, seen } = start(folder, '--drain-timeout', '1s')
  await seen(/writing/)
  const from = performance.now()
  child.kill('SIGTERM')
  const { code, printed } = await ended
  expect(performance.now() - from).toBeLessThan(10_000)
  expect([code, printed]).toEqual([1, expect.stringMatching(/abandoned[^]*out \(millrace-sink-deaf\), writing/)])
})

it('a state folder that is removed under a run is noticed before anything is published', async () => {
  const folder = project({
    source: 'source: { type: log, config: { stream: s, path: log }, schema: { fields: { id: integer } } }',
    sink: '{ type: sqlite, config: { path: store.db, table: t } }',
    more: 'runs: continue\n',
  })
  writeFileSync(
    join(folder, 'fill.yaml'),
    `version: 1\nname: fill\n${csv}\nsinks: { out: { type: log, config: { stream: s, path: log } } }\n`,
  )
  const fill = async () => expect((await pipe(['run', 'fill.yaml', '--keep'], folder)).code).toBe(0)
  const rows = () => {
    const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true, timeout: 5000 })
    try {
      // The file exists before its table does.
      const isMade = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 't'").get() !== undefined
      return isMade ? db.prepare('SELECT count(*) AS n FROM t').get()!['n'] : 0
    } finally {
      db.close()
    }
  }
  await fill()
  const { ended } = start(folder)
  await until(() => existsSync(join(folder, 'store.db')) && rows() === 1000)
  rmSync(join(folder, '.millrace/local/job'), { recursive: true })
  await fill()
  const { code, printed } = await ended
  expect([code, printed]).toEqual([3, expect.stringMatching(/state_gone[^]*was removed[^]*nothing was published/)])
  expect(rows()).toBe(1000)
  // And no run starts over on top of what the table already has.
  expect(await pipe(['run', 'job.yaml', '--until', 'caught_up'], folder)).toMatchObject({
    code: 3,
    err: expect.stringContaining('1000 rows of an earlier run'),
  })
})

/** A private mount that only this process tree sees; undefined: this machine does not allow it. */
const canMount = (() => {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    console.log('SKIPPED, a full disk: no file system can be mounted here (it takes root and unshare)')
    return false
  }
})()

it.skipIf(!canMount)('a disk that fills up during a save stops the run, and nothing is lost', async () => {
  const folder = project({
    sink: '{ type: sqlite, config: { path: store.db, table: t } }',
    n: 20_000,
    source: `${csv}
steps:
  - aggregate: { by: [id], outputs: { n: count() } }`,
  })
  mkdirSync(join(folder, '.millrace'))
  // The state is on a disk of 400 kB, too small for the memory of the counts; later there is room.
  const script = `mount -t tmpfs -o size=400k tmpfs .millrace && "$@"; first=$?; ls .millrace/local/job >&2
mount -o remount,size=50m .millrace && "$@"; echo "codes $first $?"`
  const command = [process.execPath, ...main, 'run', 'job.yaml']
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], { cwd: folder })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += String(text)))
  await once(child, 'close')
  expect(printed).toMatch(/disk_full|state_full|full/)
  expect(printed).toContain('codes 3 0')
  const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true, timeout: 5000 })
  onTestFinished(() => db.close())
  expect(db.prepare('SELECT count(*) AS n, sum(n) AS all_of_them FROM t').get()).toEqual({
    n: 20_000,
    all_of_them: 20_000,
  })
})
