/**
 * A window of very many groups fires at once while a gateway in the same process answers requests. Half-way the process
 * is killed and started again. How long answers take, and whether each result is there once.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { scratch } from './step.ts'

const root = join(import.meta.dirname, '../..')
const start = Date.UTC(2026, 0, 5, 10)
const isoOf = (ms: number) => new Date(ms).toISOString()

export interface Firing {
  /** How long each answer took while the window fired, ms, ascending. */
  readonly latencies: readonly number[]
  /** From the record that closes the window to the save of the last result, without the restart. */
  readonly firedMs: number
  /** What is wrong with the results; empty: nothing. */
  readonly wrong: string
}

const specOf = (port: number) => `version: 1
name: firing
sources:
  events:
    type: csv
    config: { path: in.csv, watch: 100ms }
    schema: { fields: { at: timestamp, k: string } }
    event_time: { field: at }
  requests: { type: http, config: { address: "127.0.0.1:${port}", path: /ping }, schema: { fields: { n: integer } } }
steps:
  - id: per_key
    from: events
    window: { tumbling: 1h, late: drop }
    aggregate: { by: [k], outputs: { n: "count()" }, max_groups: 10000000 }
sinks:
  results: { from: per_key, type: files, config: { path: out/, format: jsonl } }
  pings: { from: requests, type: log, config: { stream: pings } }
`

export async function fire(groups: number): Promise<Firing> {
  const folder = scratch()
  const port = await freePort()
  writeFileSync(join(folder, 'firing.yaml'), specOf(port))
  const rows = Array.from({ length: groups }, (_, i) => `${isoOf(start + (i % 3000) * 1000)},key-${i}\n`)
  // Ascending, so that none is late.
  writeFileSync(join(folder, 'in.csv'), `at,k\n${rows.sort().join('')}`)
  const ping = async (): Promise<number | undefined> => {
    const began = performance.now()
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' }
    const answer = await fetch(`http://127.0.0.1:${port}/ping`, request).catch(() => undefined)
    await answer?.text()
    return answer?.ok ? performance.now() - began : undefined
  }
  const answering = async () => {
    while ((await ping()) === undefined) {
      if (process.exitCode !== null) throw new Error('the pipeline has ended')
      await sleep(50)
    }
  }
  let process = startPipe(folder)
  const stop = async (signal: NodeJS.Signals) => {
    const ended = once(process, 'exit')
    process.kill(signal)
    await ended
  }
  try {
    await answering()
    while (openGroups(folder) < groups) await sleep(100)
    appendFileSync(join(folder, 'in.csv'), `${isoOf(start + 7_200_000)},last\n`)
    const latencies: number[] = []
    let firedMs = 0
    let wasKilled = false
    for (let left = groups; left > 0; left = openGroups(folder)) {
      const began = performance.now()
      const took = await ping()
      if (took !== undefined) latencies.push(took)
      await sleep(20)
      firedMs += performance.now() - began
      if (wasKilled || left > groups / 2) continue
      wasKilled = true
      await stop('SIGKILL')
      process = startPipe(folder)
      await answering()
    }
    await stop('SIGTERM')
    const wrong = wasKilled ? wrongIn(folder, groups) : 'it was over before it could be killed'
    return { latencies: latencies.sort((a, b) => a - b), firedMs, wrong }
  } finally {
    process.kill('SIGKILL')
  }
}

function startPipe(folder: string): ChildProcess {
  const options = ['--conditions=@millrace/source', '--no-warnings']
  const args = [...options, join(root, 'packages/cli/src/main.ts'), 'run', 'firing.yaml', '--json']
  return spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' })
}

/** How many groups of the window are saved. */
function openGroups(folder: string): number {
  const db = new DatabaseSync(join(folder, '.millrace/local/firing/state.db'), { readOnly: true })
  try {
    const row = db.prepare('SELECT value FROM step_memory WHERE key = ?').get(`# ${start}`)
    return row ? Number.parseInt(String(row['value']), 10) : 0
  } finally {
    db.close()
  }
}

function wrongIn(folder: string, groups: number): string {
  const lines = globSync('out/**/*.jsonl', { cwd: folder }).flatMap((name) =>
    readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'),
  )
  const found = lines.map((line) => JSON.parse(line) as { k: string; n: number })
  const keys = new Set(found.map(({ k }) => k))
  const isExact = found.length === groups && keys.size === groups && found.every(({ n }) => n === 1)
  return isExact ? '' : `${found.length} results of ${keys.size} groups, not ${groups}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
