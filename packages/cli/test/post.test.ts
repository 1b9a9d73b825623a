/** Records of one pipeline posted to the gateway of another, with the real command. */
import { type ChildProcess, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Death, freePort, runUntilDone } from '@millrace/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const query = (folder: string, sql: string): unknown[] => {
  const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true, timeout: 5000 })
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0])
  } finally {
    db.close()
  }
}

/**
 * A project with a client that posts `data.csv`, and a gateway that stores what it receives in `store.db`, by its `id`.
 */
async function project(data: string, client: string, gateway: string): Promise<{ folder: string; port: number }> {
  const folder = freshFolder()
  const port = await freePort()
  const files = {
    'millrace.yaml': 'version: 1\n',
    'data.csv': data,
    'client.yaml': `version: 1
name: client
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer, q: string } } }
sinks:
  post: { type: http, config: { url: "http://127.0.0.1:${port}/rows", ${client} } }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: dead/, format: jsonl } }
`,
    'gateway.yaml': `version: 1
name: gateway
source:
  type: http
  config: { address: "127.0.0.1:${port}", path: /rows }
  schema: { fields: { id: integer, q: string } }
  ${gateway}
sinks:
  store: { type: sqlite, config: { path: store.db, collection: rows, key: id } }
`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return { folder, port }
}

describe('a bad item in a request', () => {
  const typed = 'steps:\n  - id: typed\n    cast: { q: integer }'
  it.each([
    ['that is refused whole', typed.replace('steps', '\nsteps')],
    ['that is answered item by item', `partial: true\n${typed}`],
  ])(
    '%s fails alone, with the code of the gateway',
    async (_what, gateway) => {
      const { folder } = await project('id,q\n1,10\n2,x\n3,30\n', 'body: array', gateway)
      const ended = await pipe(['run', 'client.yaml', 'gateway.yaml', '--until', 'caught_up'], folder)
      expect(ended.err + ended.out).toContain('Every edge balances')
      expect(ended.code).toBe(0)
      expect(query(folder, 'SELECT doc FROM rows ORDER BY id')).toEqual(['{"id":1,"q":10}', '{"id":3,"q":30}'])
      const letters = await pipe(['dead-letter', 'list', 'client.yaml', '--json'], folder)
      expect(letters.out).toContain('not_integer')
      expect(letters.out.match(/not_integer/g)).toHaveLength(1)
    },
    60_000,
  )
})

it('a client that is killed cuts its requests differently, and the gateway accepts them', async () => {
  const rows = Array.from({ length: 20_000 }, (_, n) => `${n},text ${n} ${'x'.repeat(80)}\n`)
  const { folder, port } = await project(`id,q\n${rows.join('')}`, 'body: json_lines', '')
  const command = [join(import.meta.dirname, '../src/main.ts'), 'run']
  const start = (spec: string, env: Record<string, string> = {}): ChildProcess => {
    const child = spawn(process.execPath, ['--conditions=@millrace/source', '--no-warnings', ...command, spec], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  start('gateway.yaml')
  const healthy = () =>
    fetch(`http://127.0.0.1:${port}/health`).then(
      (r) => r.ok,
      () => false,
    )
  for (let n = 0; n < 1500 && !(await healthy()); n++) await sleep(20)
  const [, signal] = await once(start('client.yaml', { MILLRACE_CRASH_AT: 'before_save:2' }), 'exit')
  expect(signal).toBe('SIGKILL')
  const [code] = await once(start('client.yaml'), 'exit')
  expect(code).toBe(0)
  expect(query(folder, 'SELECT count(*) FROM rows')).toEqual([20_000])
}, 120_000)

describe('a server that remembers keys, and refuses a key that comes with another body', () => {
  const deaths: readonly Death[] = [
    { point: 'after_write', time: 1 },
    { point: 'before_save', time: 1 },
    { point: 'after_save', time: 1 },
    { point: 'before_save', time: 2 },
    { point: 'after_write', time: 2 },
  ]
  it.each(['object', 'array', 'json_lines'])(
    'takes all that a killed client sends again, as %s',
    async (body) => {
      const seen = new Map<string, string>()
      const rows = new Map<number, number>()
      const [refused, repeated]: [string[], string[]] = [[], []]
      const server = createServer(async (request, response) => {
        const got = await text(request).catch(() => undefined)
        if (got === undefined) return
        const [key, mark] = [String(request.headers['idempotency-key']), hash('sha256', got)]
        const before = seen.get(key)
        if (before !== undefined) (before === mark ? repeated : refused).push(key)
        else {
          seen.set(key, mark)
          const list = body === 'json_lines' ? got.trim().split('\n') : [got]
          for (const { id } of list.flatMap((each) => JSON.parse(each) as { id: number }))
            rows.set(id, (rows.get(id) ?? 0) + 1)
        }
        response.writeHead(before === undefined || before === mark ? 201 : 422).end()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => server.close().closeAllConnections())
      const n = body === 'object' ? 10_000 : 20_000
      const lines = Array.from({ length: n }, (_, id) => `${id},text ${id} ${'x'.repeat(80)}\n`)
      const { folder } = await project(`id,q\n${lines.join('')}`, `body: ${body}`, '')
      writeFileSync(
        join(folder, 'client.yaml'),
        `version: 1
name: client
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer, q: string } } }
sinks:
  post:
    type: http
    config: { url: "http://127.0.0.1:${(server.address() as AddressInfo).port}/rows", body: ${body}, batch: 300 }
`,
      )
      const { kills } = await runUntilDone(
        {
          command: process.execPath,
          args: [
            '--conditions=@millrace/source',
            '--no-warnings',
            join(import.meta.dirname, '../src/main.ts'),
            'run',
            'client.yaml',
          ],
          cwd: folder,
          env: { NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
        },
        (start) => deaths[start] ?? 'lives',
      )
      expect(kills).toBe(deaths.length)
      expect(refused).toEqual([])
      expect(rows.size).toBe(n)
      // A record alone has one key, whatever is cut how: it is taken once.
      if (body === 'object') expect([Math.max(...rows.values()), repeated.length > 0]).toEqual([1, true])
    },
    120_000,
  )
})
