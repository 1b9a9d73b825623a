/** What reads to the end of what another pipeline writes runs after it: in one command, and when both are due. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanSchedule } from '@millrace/core'
import { virtualClock } from '@millrace/core/testing'
import { expect, it } from 'vitest'
import { openLedger } from '../../src/serve/ledger.ts'
import { createScheduler } from '../../src/serve/scheduler.ts'
import { freshFolder, pipe } from '../terminal.ts'

const fields = 'schema: { fields: { id: integer } }'
const specs = {
  report: `source: { type: files, config: { path: "out/*.jsonl" }, ${fields} }
sinks: { out: { type: files, config: { path: report.jsonl, existing: replace } } }`,
  sales: `source: { type: csv, config: { path: data.csv }, ${fields} }
sinks: { out: { type: files, config: { path: out/sales.jsonl, existing: replace } } }`,
  fill: `source: { type: csv, config: { path: data.csv }, ${fields} }
sinks: { out: { type: log, config: { stream: events } } }`,
  tail: `source: { type: log, config: { stream: events }, ${fields} }
sinks: { out: { type: sqlite, config: { collection: seen, key: id } } }`,
  total: `source: { type: sqlite, config: { collection: seen }, ${fields} }
sinks: { out: { type: files, config: { path: total.jsonl, existing: replace } } }`,
}

function project(): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'name: order\n')
  for (const [name, rest] of Object.entries(specs))
    writeFileSync(join(folder, 'pipelines', `${name}.yaml`), `version: 1\nname: ${name}\n${rest}\n`)
  return folder
}

const data = (folder: string, rows: number) =>
  writeFileSync(join(folder, 'data.csv'), `id\n${Array.from({ length: rows }, (_, i) => `${i}\n`).join('')}`)
const linesIn = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8').trim().split('\n').length

it('a report of files is of all that the other pipeline of the command writes', { timeout: 60_000 }, async () => {
  const folder = project()
  for (const rows of [3, 5000]) {
    data(folder, rows)
    const { code, err } = await pipe(['run', 'report', 'sales', '--json'], folder)
    expect([code, code === 0 ? '' : err]).toEqual([0, ''])
    expect(linesIn(folder, 'report.jsonl')).toBe(rows)
  }
})

it('a total beside a pipeline that never ends is refused, and waits until that has caught up', {
  timeout: 60_000,
}, async () => {
  const folder = project()
  data(folder, 100)
  const refused = await pipe(['run', 'total', 'tail', 'fill', '--json'], folder)
  expect(refused).toMatchObject({ code: 2 })
  expect(refused.out).toContain('reads_unfinished')
  const { code, err } = await pipe(['run', 'total', 'tail', 'fill', '--until', 'caught_up', '--json'], folder)
  expect([code, code === 0 ? '' : err]).toEqual([0, ''])
  expect(linesIn(folder, 'total.jsonl')).toBe(100)
})

it('of two that are due at once, the reader starts when the writer has ended, also after a retry', async () => {
  const fromMs = Date.parse('2026-03-01T11:59:30Z')
  const clock = virtualClock(fromMs)
  const seen: string[] = []
  const ledger = openLedger(freshFolder())
  let failures = 1
  const scheduler = createScheduler({
    clock,
    ledger,
    decided: () => {},
    async launch({ pipeline }, signal) {
      seen.push(`${pipeline} starts`)
      await clock.sleep(90_000, signal)
      const fails = pipeline === 'sales' && failures-- > 0
      seen.push(`${pipeline} ${fails ? 'fails' : 'ends'}`)
      return fails ? { type: 'failed', why: { code: 'made', message: 'to fail' } } : { type: 'succeeded' }
    },
  })
  const schedule: PlanSchedule = {
    start: { cron: '0 * * * *', timezone: 'UTC' },
    retries: 1,
    backoffMs: 60_000,
    overlap: 'skip',
    catchUp: 'none',
  }
  scheduler.set([
    { name: 'report', staysUp: false, schedule, readsAfter: ['sales'] },
    { name: 'sales', staysUp: false, schedule, readsAfter: [] },
  ])
  await clock.moveTo(fromMs + 20 * 60_000)
  await scheduler.stop()
  ledger.close()
  expect(seen).toEqual(['sales starts', 'sales fails', 'sales starts', 'sales ends', 'report starts', 'report ends'])
})
