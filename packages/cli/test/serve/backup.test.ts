/** What the deployment guide says about backups and upgrades, walked through. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { freshFolder, pipe } from '../terminal.ts'
import { serve } from './serving.ts'

const fields = 'schema: { fields: { id: integer } }'
const specs = {
  fill: `source: { type: csv, config: { path: data.csv }, ${fields} }
sinks: { out: { type: log, config: { stream: events } }, table: { type: sqlite, config: { table: loads, write: append, existing: keep } } }`,
  tail: `source: { type: log, config: { stream: events }, ${fields} }
sinks: { out: { type: sqlite, config: { collection: seen, key: id } } }`,
}

function project(): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'name: backup\n')
  writeFileSync(join(folder, 'data.csv'), 'id\n1\n2\n3\n')
  for (const [name, rest] of Object.entries(specs))
    writeFileSync(join(folder, 'pipelines', `${name}.yaml`), `version: 1\nname: ${name}\n${rest}\n`)
  return folder
}

const inStore = (folder: string, sql: string) => {
  const db = new DatabaseSync(join(folder, '.millrace/local/store.db'))
  try {
    return Number(Object.values(db.prepare(sql).get()!)[0])
  } finally {
    db.close()
  }
}

/** Serves, lets `fill` run once, and stops. */
async function serveOneRun(folder: string): Promise<void> {
  const served = serve(folder)
  await served.seen('tail', 'started')
  expect(await pipe(['trigger', 'fill'], folder)).toMatchObject({ code: 0 })
  await served.seen('fill', 'succeeded')
  served.child.kill('SIGTERM')
  expect(await served.ended).toBe(0)
}

it('a restored backup goes on where it was made', { timeout: 120_000 }, async () => {
  const folder = project()
  const state = join(folder, '.millrace')
  await serveOneRun(folder)
  cpSync(state, join(folder, 'backup'), { recursive: true })
  await serveOneRun(folder)
  expect(inStore(folder, 'SELECT count(*) FROM loads')).toBe(6)

  rmSync(state, { recursive: true })
  cpSync(join(folder, 'backup'), state, { recursive: true })
  expect(inStore(folder, 'SELECT count(*) FROM loads')).toBe(3)
  writeFileSync(join(folder, 'data.csv'), 'id\n4\n5\n')
  await serveOneRun(folder)
  expect(inStore(folder, 'SELECT count(*) FROM loads')).toBe(5)
  const { runs } = JSON.parse((await pipe(['runs', 'list', '--json'], folder)).out) as {
    runs: { pipeline: string; state: string; counts: { read: number } }[]
  }
  const fills = runs.filter(({ pipeline }) => pipeline === 'fill')
  expect(fills.map(({ state: how, counts }) => [how, counts.read])).toEqual([
    ['succeeded', 2],
    ['succeeded', 3],
  ])
})

it('a new version goes on with the runs and texts of an older one', { timeout: 120_000 }, async () => {
  const folder = project()
  await serveOneRun(folder)
  // As the first version of the ledger kept them: an edit that was refused beside the texts.
  const db = new DatabaseSync(join(folder, '.millrace/local/.serve/runs.db'))
  db.exec(
    `DROP TABLE refused; ALTER TABLE accepted ADD COLUMN refused TEXT;
     UPDATE accepted SET refused = 'specs/fill.yaml:1:1 bad_value: wrong' WHERE pipeline = 'fill'`,
  )
  db.close()
  await serveOneRun(folder)
  expect(inStore(folder, 'SELECT count(*) FROM loads')).toBe(6)
  const { refused, runs } = JSON.parse((await pipe(['runs', 'list', '--json'], folder)).out) as {
    refused: unknown[]
    runs: { pipeline: string; state: string }[]
  }
  expect(refused).toEqual([])
  expect(runs.filter(({ pipeline }) => pipeline === 'fill').map(({ state }) => state)).toEqual([
    'succeeded',
    'succeeded',
  ])
})
