/** `pipe serve` as a process, in real time: runs on time and on demand, retries, broken edits, kills, and its stop. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freshFolder, pipe } from '../terminal.ts'
import { type Line, serve } from './serving.ts'

const fields = 'schema: { fields: { id: integer } }'
const csv = `source: { type: csv, config: { path: data.csv }, ${fields} }`
const spec = (name: string, rest: string) => `version: 1\nname: ${name}\n${rest}\n`
const toFile = (path: string) => `sinks: { out: { type: files, config: { path: ${path}, existing: replace } } }`

function project(specs: Readonly<Record<string, string>>): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'connections: { store: documents }\n')
  writeFileSync(join(folder, 'data.csv'), 'id\n1\n2\n3\n')
  for (const [name, rest] of Object.entries(specs))
    writeFileSync(join(folder, 'pipelines', `${name}.yaml`), spec(name, rest))
  return folder
}

interface Listed {
  readonly refused: readonly { readonly spec: string; readonly served: boolean }[]
  readonly runs: readonly {
    readonly pipeline: string
    readonly cause: string
    readonly state: string
    counts: unknown
  }[]
}
const listed = async (folder: string): Promise<Listed> =>
  JSON.parse((await pipe(['runs', 'list', '--json'], folder)).out) as Listed

it('runs what is due, what follows it and what is asked for, and keeps a log of each', {
  timeout: 200_000,
}, async () => {
  const folder = project({
    sales: `schedule: { cron: "* * * * *" }\n${csv}\n${toFile('out/sales.jsonl')}`,
    report: `schedule: { after: [sales] }\n${csv}\n${toFile('out/report.jsonl')}`,
    broken: `schedule: { cron: "0 0 1 1 *", retries: 1, backoff: 1s }\n${csv.replace('data.csv', 'gone.csv')}\n${toFile('out/b.jsonl')}`,
  })
  const served = serve(folder)
  await served.seen('sales', 'succeeded')
  const due = served.lines().find(({ pipeline, code }) => pipeline === 'sales' && code === 'due')!
  expect(String(due['due'])).toMatch(/:00\.000Z$/)
  expect(Date.parse(due.time) - Date.parse(String(due['due']))).toBeLessThan(2000)
  await served.seen('report', 'succeeded')
  expect(await pipe(['trigger', 'broken'], folder)).toMatchObject({ code: 0 })
  await served.seen('broken', 'run_failed')
  const { runs } = await listed(folder)
  expect(runs.find(({ pipeline }) => pipeline === 'sales')).toMatchObject({
    cause: 'schedule',
    counts: { read: 3, written: 3 },
  })
  expect(runs.find(({ pipeline }) => pipeline === 'report')).toMatchObject({ cause: 'after', state: 'succeeded' })
  expect(runs.find(({ pipeline }) => pipeline === 'broken')).toMatchObject({
    cause: 'trigger',
    state: 'failed',
    attempts: 2,
  })
  const log = (await pipe(['runs', 'logs', 'broken', '--json'], folder)).out.trim().split('\n')
  expect(log.map((line) => (JSON.parse(line) as Line).code)).toContain('retrying')
  served.child.kill('SIGTERM')
  expect(await served.ended).toBe(0)
})

it('keeps a spec as it was when an edit is wrong, brings back what is killed, and drains', {
  timeout: 200_000,
}, async () => {
  const folder = project({
    tail: `source: { type: log, config: { stream: events }, ${fields} }\nsinks: { out: { connection: store, config: { collection: seen, key: id } } }`,
    fill: `${csv}\nsinks: { out: { type: log, config: { stream: events } } }`,
  })
  const served = serve(folder)
  await served.seen('tail', 'started')
  const path = join(folder, 'pipelines/fill.yaml')
  const right = readFileSync(path, 'utf8')
  writeFileSync(path, right.replace('integer', 'intger'))
  await served.seen('fill', 'spec_refused')
  expect((await listed(folder)).refused).toMatchObject([{ spec: 'fill', served: true }])
  await pipe(['trigger', 'fill'], folder)
  await served.seen('fill', 'succeeded')
  writeFileSync(path, `${right}description: changed\n`)
  await served.seen('fill', 'spec_accepted')
  expect((await listed(folder)).refused).toEqual([])

  const other = await pipe(['serve'], folder)
  expect(other).toMatchObject({ code: 3 })
  expect(other.err).toContain(`this project is already served: process ${served.child.pid} on`)

  for (const pid of served.children()) process.kill(Number(pid), 'SIGKILL')
  await served.seen('tail', 'started', 2)
  served.child.kill('SIGKILL')
  await served.ended
  const next = serve(folder)
  await next.seen('tail', 'started')
  const before = performance.now()
  next.child.kill('SIGTERM')
  expect(await next.ended).toBe(0)
  expect(performance.now() - before).toBeLessThan(20_000)
  const rows = JSON.parse((await pipe(['query', 'store', 'seen', '--spec', 'tail', '--json'], folder)).out) as unknown[]
  expect(rows).toHaveLength(3)
})

it('reads specs again on SIGHUP, says which are not served, and outlives what is no request', {
  timeout: 100_000,
}, async () => {
  const folder = project({
    fill: `${csv}\n${toFile('out/fill.jsonl')}`,
    follow: `schedule: { after: [fill] }\n${csv}\n${toFile('out/follow.jsonl')}`,
  })
  // The folder of a link's target is not watched.
  const path = join(folder, 'pipelines/fill.yaml')
  const target = join(folder, 'elsewhere.d/fill.yaml')
  mkdirSync(join(folder, 'elsewhere.d'))
  renameSync(path, target)
  symlinkSync(target, path)
  const served = serve(folder)
  await served.seen('*', 'serving')
  const inbox = join(folder, '.millrace/local/.serve/inbox')
  for (const [i, text] of ['{', 'null', '{"id":1}'].entries()) writeFileSync(join(inbox, `${i}.json`), text)

  writeFileSync(target, `${readFileSync(target, 'utf8')}description: changed\n`)
  served.child.kill('SIGHUP')
  await served.seen('fill', 'spec_accepted')
  writeFileSync(target, `${readFileSync(target, 'utf8')}unknown: 1\n`)
  served.child.kill('SIGHUP')
  await served.seen('fill', 'spec_refused')
  mkdirSync(join(folder, 'pipelines/more'))
  writeFileSync(join(folder, 'pipelines/more/new.yaml'), spec('new', csv))
  await served.seen('pipelines/more/new.yaml', 'spec_refused')
  expect((await listed(folder)).refused).toMatchObject([
    { spec: 'fill', served: true },
    { spec: 'pipelines/more/new.yaml', served: false },
  ])
  expect((await pipe(['runs', 'list'], folder)).out).toContain('pipelines/more/new.yaml is not served: ')

  await pipe(['trigger', 'fill'], folder)
  await served.seen('follow', 'succeeded')
  expect(existsSync(join(folder, 'out/follow.jsonl'))).toBe(true)
  expect(readdirSync(inbox)).toEqual([])
  // It was not changed itself.
  expect(served.lines().filter(({ pipeline, code }) => pipeline === 'follow' && code === 'spec_accepted')).toEqual([])
  served.child.kill('SIGTERM')
  expect(await served.ended).toBe(0)
})
