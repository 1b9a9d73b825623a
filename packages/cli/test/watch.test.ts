/** Pipelines that watch a folder: files and lines come while they run and while they do not, and some are killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { runUntilDone } from '@millrace/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const command = ['--conditions=@millrace/source', '--no-warnings', resolve(import.meta.dirname, '../src/main.ts')]
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') }

/** A project with one pipeline `job` that watches `in/`. */
function project({ config = '', more = '', type = 'files' }: { config?: string; more?: string; type?: string } = {}) {
  const folder = freshFolder()
  mkdirSync(join(folder, 'in'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(
    join(folder, 'job.yaml'),
    `version: 1
name: job
source:
  type: ${type}
  config: { path: in/, watch: 50ms${config} }
  schema: { fields: { id: integer, name: string } }
${more}sinks:
  rows: { type: sqlite, config: { path: store.db, table: t } }
  out: { type: files, config: { path: out/, format: jsonl } }
`,
  )
  const put = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, 'in', name), content)
  const append = (name: string, text: string) => appendFileSync(join(folder, 'in', name), text)
  return { folder, put, append }
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${from + i},"name ${from + i}"\n`).join('')
const csv = (from: number, to: number): string => `id,name\n${lines(from, to)}`
const json = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${JSON.stringify({ id: from + i, name: `name ${from + i}` })}\n`).join(
    '',
  )
const expected = (n: number) => Array.from({ length: n }, (_, id) => ({ id, name: `name ${id}` }))

/** What was written to the table, and to the files that are published. */
function inTable(folder: string): unknown[] {
  if (!existsSync(join(folder, 'store.db'))) return []
  const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true, timeout: 5000 })
  try {
    // The file exists before its table does.
    if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 't'").get()) return []
    return db
      .prepare('SELECT id, name FROM t ORDER BY id')
      .all()
      .map((row) => ({ ...row }))
  } finally {
    db.close()
  }
}
const inFiles = (folder: string): unknown[] =>
  readdirSync(join(folder, 'out'))
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) =>
      readFileSync(join(folder, 'out', name), 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line) as { id: number })
    .toSorted((a, b) => a.id - b.id)

function start(folder: string) {
  const child: ChildProcess = spawn(process.execPath, [...command, 'run', 'job.yaml'], {
    cwd: folder,
    env: { ...process.env, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  let isOver = false
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (printed += String(text)))
  const ended = once(child, 'close').then(([code]) => {
    isOver = true
    return { code: code as number | null, printed }
  })
  return {
    ended,
    kill: async (signal: NodeJS.Signals) => {
      child.kill(signal)
      return ended
    },
    async until(holds: () => boolean) {
      for (let n = 0; !holds(); n++) {
        if (isOver || n > 3000) throw new Error(`it did not come to that: ${printed}`)
        await sleep(10)
      }
    },
    has(n: number) {
      return this.until(() => inTable(folder).length >= n)
    },
  }
}

it('delivers each record of a watched folder once, through two SIGKILLs and a SIGTERM', async () => {
  const { folder, put, append } = project()
  put('b.csv', `${csv(0, 3)}3,"na`)
  const first = start(folder)
  await first.has(3)
  append('b.csv', `me 3"\n${lines(4, 10)}`)
  put('a.jsonl', json(10, 12))
  await first.has(12)
  await first.kill('SIGKILL')

  append('b.csv', lines(12, 2000))
  append('a.jsonl', '{"id":2000,')
  const second = start(folder)
  // Somewhere in the middle.
  await second.has(13)
  await second.kill('SIGKILL')

  put('c.csv.gz', gzipSync(csv(2001, 2500)))
  const third = start(folder)
  await third.has(2499)
  append('a.jsonl', '"name":"name 2000"}\n')
  await third.has(2500)
  expect(await third.kill('SIGTERM')).toMatchObject({ code: 0 })
  expect(inTable(folder)).toEqual(expected(2500))
  expect(inFiles(folder)).toEqual(expected(2500))

  append('b.csv', lines(2500, 2501))
  const { code, out } = await pipe(['run', 'job.yaml', '--until', 'caught_up', '--json'], folder)
  expect([code, JSON.parse(out)]).toMatchObject([0, { balances: true }])
  expect(inTable(folder)).toEqual(expected(2501))
}, 60_000)

it('drops each duplicate of a watched folder once, killed at every step of an epoch', async () => {
  const { folder, put, append } = project({ type: 'csv', more: 'steps:\n  - dedupe: { by: [id], last: 100000 }\n' })
  put('b.csv', csv(0, 10))
  put('c.csv', csv(5, 15))
  const points = ['before_flush', 'after_flush', 'before_save', 'after_save', 'before_publish', 'after_publish']
  let n = 15
  const program = {
    command: process.execPath,
    args: [...command, 'run', 'job.yaml', '--until', 'caught_up'],
    cwd: folder,
    env,
  }
  const { kills } = await runUntilDone(program, (k) => (points[k] ? { point: points[k], time: 1 } : 'lives'), {
    onKill() {
      append('b.csv', lines(n - 5, n + 5))
      append('c.csv', `${lines(n, n + 5)}${n + 5},"na`)
      put(`a${n}.csv`, csv(n - 5, n + 10))
      append('c.csv', `me ${n + 5}"\n`)
      n += 10
    },
  })
  expect(kills).toBe(points.length)
  expect(inTable(folder)).toEqual(expected(n))
  expect(inFiles(folder)).toEqual(expected(n))
}, 60_000)

it('moves the files of a watched folder once they are read and at rest, and loses no line', async () => {
  const { folder, put, append } = project({ config: ', after_read: { move: done/ }' })
  put('a.csv', csv(0, 3))
  const first = start(folder)
  await first.has(3)
  await first.until(() => existsSync(join(folder, 'done/in/a.csv')))
  put('b.csv', `${csv(3, 5)}5,"na`)
  await first.has(5)
  await first.kill('SIGKILL')
  expect(readdirSync(join(folder, 'in'))).toEqual(['b.csv'])
  append('b.csv', 'me 5"\n')
  const second = start(folder)
  await second.has(6)
  await second.until(() => readdirSync(join(folder, 'in')).length === 0)
  expect(await second.kill('SIGTERM')).toMatchObject({ code: 0 })
  expect(readFileSync(join(folder, 'done/in/b.csv'), 'utf8')).toBe(csv(3, 6))
  expect([inTable(folder), inFiles(folder)]).toEqual([expected(6), expected(6)])
}, 60_000)

it('reads what is there and ends, with --until caught_up and in a preview, however long the pause is', async () => {
  const { folder, put, append } = project()
  put('a.csv', csv(0, 3))
  const spec = readFileSync(join(folder, 'job.yaml'), 'utf8')
  const reads = async (n: number) => {
    expect((await pipe(['run', 'job.yaml', '--until', 'caught_up'], folder)).code).toBe(0)
    expect(inTable(folder)).toEqual(expected(n))
  }
  await reads(3)
  writeFileSync(join(folder, 'job.yaml'), spec.replace('50ms', '24h'))
  append('a.csv', lines(3, 5))
  await reads(5)
  await reads(5)
  const { out } = await pipe(['preview', 'job.yaml', '--json'], folder)
  expect(JSON.parse(out)[0]).toMatchObject({ id: 'source', records: 5 })
})

it('ends a preview of a stream where the stream ends for now', async () => {
  const { folder, put } = project()
  put('a.csv', csv(0, 3))
  const log = '{ stream: s, path: log, partitions: 3 }'
  const fill = readFileSync(join(folder, 'job.yaml'), 'utf8').replace(
    /sinks:[^]*/,
    `sinks: { out: { type: log, config: ${log} } }\n`,
  )
  writeFileSync(join(folder, 'job.yaml'), fill)
  expect((await pipe(['run', 'job.yaml', '--until', 'caught_up'], folder)).code).toBe(0)
  writeFileSync(
    join(folder, 'read.yaml'),
    fill
      .replace('name: job', 'name: read')
      .replace(/source:[^]*schema/, 'source:\n  type: log\n  config: { stream: s, path: log }\n  schema')
      .replace(log, '{ stream: t, path: log }'),
  )
  const { out } = await pipe(['preview', 'read.yaml', '--json'], folder)
  expect(JSON.parse(out)[0]).toMatchObject({ id: 'source', records: 3 })
})

it('is checked: where standard input is watched, or without a pause', async () => {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const found = async (config: string) => {
    const source = `source: { type: csv, config: ${config}, schema: { fields: { id: integer } } }`
    writeFileSync(join(folder, 'job.yaml'), `version: 1\nname: job\n${source}\nsinks: { out: { type: console } }\n`)
    const { code, err } = await pipe(['check', 'job.yaml'], folder)
    return { code, err }
  }
  expect(await found('{ path: "-", watch: 10s }')).toEqual({
    code: 2,
    err: expect.stringMatching(/job\.yaml:3:50 .*bad_value\s+standard input cannot be watched/),
  })
  expect(await found('{ path: in/, watch: 0s }')).toEqual({
    code: 2,
    err: expect.stringMatching(/job\.yaml:3:50 .*bad_value.*pause.*above zero/s),
  })
  expect((await found('{ path: in/, watch: 10s }')).code).toBe(0)
})
