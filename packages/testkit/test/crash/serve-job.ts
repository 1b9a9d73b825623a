/**
 * A served project whose processes are killed while runs are asked for: a table to which each run adds the same rows,
 * one that is loaded every minute, and a stream whose reader stays up. At the end, each request and each minute has had
 * one run, and the rows are those of these runs.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

const main = resolve(import.meta.dirname, '../../../cli/src/main.ts')
const rowsOfRun = 20_000
const minuteMs = 60_000

const fields = 'schema: { fields: { id: integer } }'
const csv = `source: { type: csv, config: { path: data.csv }, ${fields} }`
const toTable = (table: string) =>
  `sinks: { out: { type: sqlite, config: { table: ${table}, write: append, existing: keep } } }`
const specs = {
  asked: `${csv}\n${toTable('asked')}`,
  timed: `schedule: { cron: "* * * * *" }\n${csv}\n${toTable('timed')}`,
  fill: `${csv}\nsinks: { out: { type: log, config: { stream: events } } }`,
  tail: `source: { type: log, config: { stream: events }, ${fields} }\nsinks: { out: { type: sqlite, config: { collection: seen } } }`,
}

/** What was done, and found. */
export interface ServeJob {
  readonly serveKills: number
  readonly childKills: number
  readonly asked: number
  readonly minutes: number
  readonly rows: number
}

/** Kills `kills` processes; throws what was wrong then. `below(n)`: a random whole number. */
export async function serveJob(folder: string, kills: number, below: (n: number) => number): Promise<ServeJob> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'pipelines'), { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'name: killed\n')
  writeFileSync(join(folder, 'data.csv'), `id\n${Array.from({ length: rowsOfRun }, (_, i) => `${i}\n`).join('')}`)
  for (const [name, rest] of Object.entries(specs))
    writeFileSync(join(folder, 'pipelines', `${name}.yaml`), `version: 1\nname: ${name}\n${rest}\n`)
  const home = join(folder, '.millrace/local')
  const asked = { asked: 0, fill: 0 }
  const killed = { serve: 0, children: 0 }
  let output = ''
  const start = () => {
    const args = ['--conditions=@millrace/source', '--no-warnings', main, 'serve', '--port', 'off']
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output = `${output}${text}`.slice(-20_000)))
    return child
  }
  let served = start()
  const fromMs = Date.now()
  while (killed.serve + killed.children < kills) {
    for (const name of ['asked', 'fill'] as const) {
      if (below(3) > 0) continue
      ask(home, name)
      asked[name]++
    }
    await sleep(below(2000))
    if (below(2) === 0) {
      const children = childrenOf(served)
      const gone = once(served, 'close')
      // Sometimes the whole machine dies, sometimes the children are left to drain.
      if (below(2) === 0) for (const pid of children) kill(pid)
      kill(served.pid!)
      await gone
      killed.serve++
      served = start()
    } else {
      const children = await someChild(served)
      kill(children[below(children.length)]!)
      killed.children++
    }
  }
  const open = () =>
    query(
      join(home, '.serve/runs.db'),
      `SELECT pipeline, state FROM run WHERE cause <> 'stream' AND state NOT IN ('succeeded', 'failed', 'skipped')`,
    )
  const total = (table: string) =>
    Number(query(join(home, 'store.db'), `SELECT count(*) AS n FROM "${table}"`)[0]!['n'])
  // The records of each run of `fill` have the same ids, so there is one document of each.
  const documents = asked.fill > 0 ? rowsOfRun : 0
  const isDone = () =>
    readdirSync(join(home, '.serve/inbox')).length === 0 &&
    open().length === 0 &&
    (documents === 0 || total('seen') === documents)
  const lastMs = Date.now() + 240_000
  // Not in the seconds around a full minute, when a run may be about to begin.
  while (!isDone() || Date.now() % minuteMs < 10_000 || Date.now() % minuteMs > 50_000) {
    if (Date.now() > lastMs) {
      served.kill('SIGKILL')
      throw new Error(`it does not come to rest: ${JSON.stringify(open())}\n${output}`)
    }
    await sleep(250)
  }
  const toMs = Date.now()
  served.kill('SIGTERM')
  const [code] = await once(served, 'close')
  const runs = query(
    join(home, '.serve/runs.db'),
    `SELECT pipeline, cause, due, state, code FROM run WHERE cause <> 'stream'`,
  )
  const of = (name: string, state: string) => runs.filter((run) => run['pipeline'] === name && run['state'] === state)
  const minutes = Math.floor(toMs / minuteMs) - Math.floor(fromMs / minuteMs)
  const timed = runs.filter((run) => run['pipeline'] === 'timed')
  const found = {
    code,
    failed: runs.filter(({ state }) => state === 'failed'),
    asked: of('asked', 'succeeded').length,
    fill: of('fill', 'succeeded').length,
    minutes: new Set(timed.map(({ due }) => due)).size,
    timed: timed.length,
    askedRows: asked.asked > 0 ? total('asked') : 0,
    timedRows: minutes === 0 ? 0 : total('timed'),
    seenRows: documents === 0 ? 0 : total('seen'),
  }
  const wanted = {
    code: 0,
    failed: [],
    ...asked,
    minutes,
    timed: minutes,
    askedRows: asked.asked * rowsOfRun,
    timedRows: of('timed', 'succeeded').length * rowsOfRun,
    seenRows: documents,
  }
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`found ${JSON.stringify(found)}\nwanted ${JSON.stringify(wanted)}\n${output}`)
  const rows = found.askedRows + found.timedRows + found.seenRows
  return { serveKills: killed.serve, childKills: killed.children, asked: asked.asked + asked.fill, minutes, rows }
}

/** Asks as `pipe trigger` does, without its start-up: the request is there whoever is killed. */
function ask(home: string, pipeline: string): void {
  const id = crypto.randomUUID()
  const path = join(home, '.serve/inbox', `${id}.json`)
  mkdirSync(join(home, '.serve/inbox'), { recursive: true })
  writeFileSync(`${path}.new`, JSON.stringify({ id, pipeline, askedMs: Date.now() }))
  renameSync(`${path}.new`, path)
}

function query(path: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}

function childrenOf(served: ChildProcess): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(served.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number)
  } catch {
    return []
  }
}

/** Its pipelines, once it has started one. */
async function someChild(served: ChildProcess): Promise<number[]> {
  for (;;) {
    const children = childrenOf(served)
    if (children.length > 0) return children
    if (served.exitCode !== null) throw new Error(`serve ended with ${served.exitCode}`)
    await sleep(50)
  }
}

/** It may just have ended. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
