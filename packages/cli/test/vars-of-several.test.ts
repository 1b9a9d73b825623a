/** A var that only one of several specs declares: the others' threads and processes are not given it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLog } from '@millrace/client-log'
import { expect, it } from 'vitest'
import { serve } from './serve/serving.ts'
import { freshFolder, pipe } from './terminal.ts'

const fields = 'schema: { fields: { id: integer } }'
const specs = {
  fill: `vars: { data: { type: string } }
source: { type: csv, config: { path: "\${var:data}" }, ${fields} }
sinks: { out: { type: log, config: { stream: events } } }`,
  tail: `parallelism: 2
runs: continue
source: { type: log, config: { stream: events }, ${fields} }
sinks: { out: { type: sqlite, config: { collection: seen, key: id } } }`,
}

function project(): string {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'given.csv'), 'id\n1\n2\n')
  for (const [name, rest] of Object.entries(specs))
    writeFileSync(join(folder, `${name}.yaml`), `version: 1\nname: ${name}\n${rest}\n`)
  return folder
}

const set = ['--set', 'data=given.csv']

it('is set for it alone where specs run together', { timeout: 60_000 }, async () => {
  const folder = project()
  expect(await pipe(['run', 'fill', ...set], folder)).toMatchObject({ code: 0 })
  // Two partitions, so that both threads have work.
  openLog(join(folder, '.millrace/local/log/events.db'), { partitions: 2 })!.close()
  const { code, out, err } = await pipe(['run', 'fill', 'tail', '--until', 'caught_up', '--json', ...set], folder)
  expect([code, out, code === 0 ? '' : err]).toEqual([0, expect.any(String), ''])
})

it('is set for it alone where a project is served, and again when `serve` has been restarted', {
  timeout: 60_000,
}, async () => {
  const folder = project()
  for (const times of [1, 2]) {
    const served = serve(folder, process.env, ...set)
    await served.seen('tail', 'started')
    await pipe(['trigger', 'fill'], folder)
    await served.seen('fill', 'succeeded')
    served.child.kill('SIGTERM')
    expect([times, await served.ended]).toEqual([times, 0])
    const refused = served.lines().filter(({ level }) => level !== 'info')
    expect(refused).toEqual([])
  }
})
