/** What `/metrics` and `/health` say of a run and of a served project. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { type Metric, metrics } from '../src/monitor/table.ts'
import { type Exposed, readExposition } from './exposition.ts'
import { startPipe } from './process.ts'
import { freshFolder, pipe } from './terminal.ts'

async function scrape(url: string): Promise<Exposed> {
  const response = await fetch(`${url}/metrics`)
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  return readExposition(await response.text())
}

/** A page once it says what is wanted. */
async function until(url: string, wanted: (page: Exposed) => boolean, log: () => string): Promise<Exposed> {
  let last: Exposed | undefined
  for (let i = 0; i < 300; i++) {
    last = await scrape(url).catch((error: Error) => {
      if (error.message !== 'fetch failed') throw error
      return undefined
    })
    if (last && wanted(last)) return last
    await sleep(100)
  }
  throw new Error(`${JSON.stringify(last?.series)}\n${log()}`)
}

const ready = async (url: string): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`${url}/health/ready`)
  return { status: response.status, body: await response.json() }
}

/** Files that grow are read by `watched`, which has windows. */
function project(): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  mkdirSync(join(folder, 'in'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'data.csv'), 'id\n1\nx\n2\n')
  writeFileSync(
    join(folder, 'pipelines/fill.yaml'),
    `version: 1
name: fill
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer } } }
sinks: { out: { type: log, config: { stream: numbers } } }
on_error: { data: drop }
`,
  )
  writeFileSync(
    join(folder, 'pipelines/tail.yaml'),
    `version: 1
name: tail
source: { type: log, config: { stream: numbers }, schema: { fields: { id: integer } } }
steps: [{ id: odd, where: id % 2 == 1 }]
sinks: { out: { type: files, config: { path: out.jsonl } } }
`,
  )
  return folder
}

describe('metrics of a run', () => {
  it('have the names, types and labels of the table, and the counts of the summary', { timeout: 60_000 }, async () => {
    const folder = project()
    const url = `http://127.0.0.1:${await freePort()}`
    const words = ['run', 'fill', 'tail', '--json', '--metrics-port', url.split(':').at(-1)!]
    const run = startPipe(words, folder)
    const log = () => run.out() + run.err()
    const of = { pipeline: 'tail' }
    const isDone = (p: Exposed) =>
      p.value('millrace_records_written_total', of) === 1 && p.value('millrace_up', { pipeline: 'fill' }) === 0
    const page = await until(url, isDone, log)
    expect(page.value('millrace_records_read_total', of)).toBe(2)
    expect(await ready(url)).toEqual({ status: 200, body: { status: 'ok' } })
    expect(Object.fromEntries(page.types)).toEqual(
      Object.fromEntries((Object.values(metrics) as Metric[]).map(({ name, type }) => [name, type])),
    )
    for (const { name, labels } of page.series) {
      const metric = (Object.values(metrics) as Metric[]).find(
        (each) => name === each.name || name.replace(/_(bucket|sum|count)$/, '') === each.name,
      )!
      expect([...metric.labels, 'le']).toEqual(expect.arrayContaining(Object.keys(labels)))
    }
    expect(page.value('millrace_records_filtered_total', { pipeline: 'tail', node: 'odd' })).toBe(1)
    expect(page.value('millrace_records_written_total', { pipeline: 'tail', node: 'out' })).toBe(1)
    expect(page.value('millrace_read_bytes_total', { pipeline: 'fill', node: 'source' })).toBe(6)
    expect(page.value('millrace_records_failed_total', { pipeline: 'fill', code: 'not_integer' })).toBe(1)
    expect(page.value('millrace_lag_records', of)).toBe(0)
    expect(page.value('millrace_up', of)).toBe(1)
    expect(page.value('millrace_up', { pipeline: 'fill' })).toBe(0)
    expect(page.value('millrace_save_duration_seconds_count', { pipeline: 'fill' })).toBeGreaterThan(0)
    expect(page.value('millrace_resident_memory_bytes')).toBeGreaterThan(1e7)
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)

    // The next process resumes the saved counts, and its metrics begin at 0.
    appendFileSync(join(folder, 'data.csv'), '5\n')
    expect(await pipe(['run', 'fill', '--keep'], folder)).toMatchObject({ code: 0 })
    const next = startPipe(['run', 'tail', '--json', '--metrics-port', url.split(':').at(-1)!], folder)
    const again = await until(url, (p) => (p.value('millrace_records_read_total', of) ?? 0) > 0, log)
    expect(again.value('millrace_records_read_total', of)).toBe(3)
    next.child.kill('SIGTERM')
    await next.ended
    const { total } = JSON.parse(next.out()) as { total: { counters: { sources: { source: { read: number } } } } }
    expect(total.counters.sources.source.read).toBe(5)
  })

  it('say how many requests of a gateway wait, and how many keys it remembers', { timeout: 60_000 }, async () => {
    const folder = freshFolder()
    const [address, url] = [`127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(
      join(folder, 'gate.yaml'),
      `version: 1
name: gate
source: { type: http, config: { address: "${address}", path: /in }, schema: { fields: { id: integer } } }
sinks: { out: { type: log, config: { stream: numbers } } }
`,
    )
    const run = startPipe(['run', 'gate.yaml', '--json', '--metrics-port', url.split(':').at(-1)!], folder)
    const log = () => run.out() + run.err()
    const of = { pipeline: 'gate', node: 'source' }
    await until(url, (page) => page.value('millrace_remembered_keys', of) === 0, log)
    for (const [key, id] of [
      ['a', 1],
      ['b', 2],
      ['a', 1],
    ] as const)
      await fetch(`http://${address}/in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: `{"id":${id}}`,
      })
    const page = await until(url, (p) => p.value('millrace_remembered_keys', of) === 2, log)
    expect(page.value('millrace_waiting_requests', of)).toBe(0)
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
  })

  it('are those of all workers together', { timeout: 60_000 }, async () => {
    const folder = project()
    const url = `http://127.0.0.1:${await freePort()}`
    writeFileSync(join(folder, 'data.csv'), `id\n${[...Array(1000).keys()].join('\n')}\n`)
    const edit = (name: string, from: string, to: string) => {
      const path = join(folder, `pipelines/${name}.yaml`)
      writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
    }
    edit('fill', 'stream: numbers', 'stream: numbers, partitions: 4')
    edit('tail', 'name: tail', 'name: tail\nparallelism: 2')
    edit('tail', 'type: files, config: { path: out.jsonl }', 'type: "null"')
    expect(await pipe(['run', 'fill'], folder)).toMatchObject({ code: 0 })
    const run = startPipe(['run', 'tail', '--json', '--metrics-port', url.split(':').at(-1)!], folder)
    const log = () => run.out() + run.err()
    const written = (p: Exposed) => p.value('millrace_records_written_total', { pipeline: 'tail' })
    const page = await until(url, (p) => (written(p) ?? 0) >= 500, log)
    expect(page.value('millrace_records_read_total', { pipeline: 'tail' })).toBe(1000)
    expect(written(page)).toBe(500)
  })

  it('tell watermarks, open windows and late records', { timeout: 60_000 }, async () => {
    const folder = freshFolder()
    const url = `http://127.0.0.1:${await freePort()}`
    mkdirSync(join(folder, 'in'))
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    const row = (at: string) => `${JSON.stringify({ at: `2026-01-01T${at}Z` })}\n`
    writeFileSync(join(folder, 'in/1.jsonl'), row('10:00:01') + row('10:00:30') + row('10:05:00'))
    writeFileSync(
      join(folder, 'counts.yaml'),
      `version: 1
name: counts
source:
  type: files
  config: { path: in/, format: jsonl, watch: 100ms }
  schema: { fields: { at: timestamp } }
  event_time: { field: at, max_out_of_order: 1s }
steps:
  - id: each_minute
    aggregate: { window: { tumbling: 1m, late: drop }, outputs: { n: count() } }
sinks: { out: { type: files, config: { path: out.jsonl } } }
`,
    )
    const run = startPipe(['run', 'counts.yaml', '--json', '--metrics-port', url.split(':').at(-1)!], folder)
    const log = () => run.out() + run.err()
    const node = { pipeline: 'counts', node: 'each_minute' }
    const page = await until(url, (p) => p.value('millrace_open_windows', node) === 1, log)
    expect(page.value('millrace_watermark_timestamp_seconds', node)).toBe(Date.parse('2026-01-01T10:04:58.999Z') / 1000)
    expect(page.value('millrace_records_late_total', node)).toBe(0)
    writeFileSync(join(folder, 'in/2.jsonl'), row('10:00:02') + row('10:05:10'))
    await until(url, (p) => p.value('millrace_records_late_total', node) === 1, log)
  })
})

describe('metrics of a served project', () => {
  it('go on when a process is killed, and readiness says that it is down', { timeout: 120_000 }, async () => {
    const folder = project()
    const url = `http://127.0.0.1:${await freePort()}`
    const serve = startPipe(['serve', '--port', url.split(':').at(-1)!], folder)
    const log = () => serve.out() + serve.err()
    const isUp = (p: Exposed) => p.value('millrace_up', { pipeline: 'tail' }) === 1
    await until(url, isUp, log)
    expect(await ready(url)).toEqual({ status: 200, body: { status: 'ok' } })
    await pipe(['trigger', 'fill'], folder)
    const read = (p: Exposed) => p.value('millrace_records_read_total', { pipeline: 'tail', node: 'source' }) ?? 0
    const filled = { pipeline: 'fill', outcome: 'succeeded' }
    const page = await until(url, (p) => read(p) === 2 && p.value('millrace_runs_total', filled) === 1, log)
    expect(page.value('millrace_records_failed_total', { pipeline: 'fill', code: 'not_integer' })).toBe(1)
    expect(page.value('millrace_resident_memory_bytes', { pipeline: 'tail' })).toBeGreaterThan(1e7)

    const children = execFileSync('pgrep', ['-P', String(serve.child.pid)], { encoding: 'utf8' })
    for (const pid of children.trim().split('\n')) process.kill(Number(pid), 'SIGKILL')
    await until(url, (p) => !isUp(p), log)
    expect(await ready(url)).toMatchObject({ status: 503, body: { reasons: [{ pipeline: 'tail', code: 'killed' }] } })
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    expect(read(await until(url, isUp, log))).toBe(2)
    expect((await ready(url)).status).toBe(200)

    writeFileSync(join(folder, 'pipelines/fill.yaml'), 'version: 1\nname: fill\n')
    await until(url, (p) => p.value('millrace_edit_refused', { pipeline: 'fill' }) === 1, log)
    expect(await ready(url)).toMatchObject({ status: 200, body: { refused: { fill: expect.any(String) } } })
    serve.child.kill('SIGTERM')
    expect(await serve.ended).toBe(0)
  })
})
