/**
 * Whole pipelines in processes of their own, killed and started again, side by side, and read from while they write.
 */
import { spawn } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Row } from '@millrace/core'
import { type ChildJob, jobRows } from './job.ts'
import { makeStore, type Store } from './store.ts'

interface Ended {
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly errors: string
}

function start(job: ChildJob, crashAt?: string): { readonly ended: Promise<Ended>; kill(): void } {
  const child = spawn(
    process.execPath,
    ['--conditions=@millrace/source', new URL('child.ts', import.meta.url).pathname, JSON.stringify(job)],
    {
      env: { ...process.env, ...(crashAt ? { MILLRACE_CRASH_AT: crashAt } : {}) },
    },
  )
  let out = ''
  let errors = ''
  child.stdout.on('data', (bytes) => (out += bytes))
  child.stderr.on('data', (bytes) => (errors += bytes))
  return {
    ended: new Promise((resolve) => child.on('close', (_code, signal) => resolve({ signal, out, errors }))),
    kill: () => child.kill('SIGKILL'),
  }
}

const complete = { ended: true, imbalances: [] }

/** The store holds each row of the pipelines once, in every form. */
function expectAll(store: Store, names: readonly string[], count: number): void {
  const rows = jobRows(count)
  const byN = (a: Row, b: Row) => Number(a['n']) - Number(b['n'])
  const documents = store.documents('documents')
  expect(Object.keys(documents)).toHaveLength(names.length * count)
  for (const name of names) expect(rows.map(({ n }) => documents[`${name}/in/memory@${n}`])).toEqual(rows)
  expect(store.all('SELECT * FROM rows')).toHaveLength(names.length * count)
  expect(store.all('SELECT DISTINCT * FROM rows').toSorted(byN)).toEqual(rows)
  const gathered = Object.values(store.documents('gathered')).flatMap((doc) => {
    const { group, ...attributes } = doc as Row
    return Object.entries(attributes).map(([n, value]) => ({ n: Number(n), group, ...(value as Row) }))
  })
  expect(gathered.toSorted(byN)).toEqual(rows)
}

test('a pipeline that is killed at every named point loses and doubles nothing', { timeout: 60_000 }, async () => {
  const store = makeStore()
  const job = { root: store.root, name: 'p', rows: 6000 }
  for (const point of [
    'after_write:3',
    'sqlite_staged:1',
    'before_flush:1',
    'after_flush:1',
    'mid_save:1',
    'after_save:1',
    'before_publish:1',
    'sqlite_published:1',
    'after_publish:1',
    'after_commit:1',
  ]) {
    expect((await start(job, point).ended).signal, point).toBe('SIGKILL')
  }
  const { out, errors } = await start(job).ended
  expect(out && JSON.parse(out), errors).toEqual(complete)
  expectAll(store, ['p'], job.rows)
})

test('a state folder that is put back after more was published is refused, and the store left as it is', {
  timeout: 60_000,
}, async () => {
  const store = makeStore()
  const job = { root: store.root, name: 'p', rows: 6000 }
  const folder = join(store.root, 'p')
  expect((await start(job, 'after_publish:1').ended).signal).toBe('SIGKILL')
  cpSync(folder, join(store.root, 'saved'), { recursive: true })
  const { out, errors } = await start(job).ended
  expect(out && JSON.parse(out), errors).toEqual(complete)
  rmSync(folder, { recursive: true })
  cpSync(join(store.root, 'saved'), folder, { recursive: true })
  const refused = await start(job).ended
  expect(refused.errors).toContain('state_older')
  expect(refused.out).toBe('')
  expectAll(store, ['p'], job.rows)
})

test('two processes write to one store while a third reads it, and one of them is killed', {
  timeout: 60_000,
}, async () => {
  const store = makeStore()
  const rows = 6000
  const first = start({ root: store.root, name: 'first', rows })
  const second = start({ root: store.root, name: 'second', rows })
  const state = { running: true }
  const both = Promise.all([first.ended, second.ended]).finally(() => (state.running = false))
  let seen = 0
  let killed = false
  while (state.running) {
    const n =
      Number(store.all("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'documents'")[0]?.['n'] ?? 0) &&
      Number(store.all('SELECT count(*) AS n FROM documents')[0]!['n'])
    expect(n).toBeGreaterThanOrEqual(seen)
    seen = n
    if (seen > 1000 && !killed) {
      killed = true
      first.kill()
    }
    await sleep(2)
  }
  const [one, two] = await both
  expect([killed, one.signal]).toEqual([true, 'SIGKILL'])
  expect(two.out && JSON.parse(two.out), two.errors).toEqual(complete)
  const again = await start({ root: store.root, name: 'first', rows }).ended
  expect(again.out && JSON.parse(again.out), again.errors).toEqual(complete)
  expectAll(store, ['first', 'second'], rows)
})
