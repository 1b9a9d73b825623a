/** Records of one pipeline posted to the gateway of another, with the real command. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
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
