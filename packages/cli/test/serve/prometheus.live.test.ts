/** A real Prometheus scrapes `pipe serve` while flow 1 runs: what it has equals what the runs say. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, retailSample } from '@millrace/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { down, up } from '../../../../services/process.ts'
import { missingPrometheus, prometheusOf } from '../../../../services/prometheus/server.ts'
import { startPipe } from '../process.ts'
import { freshFolder, pipe } from '../terminal.ts'

const root = resolve(import.meta.dirname, '../../../..')
if (missingPrometheus) process.stderr.write(`skipped, though it matters: ${missingPrometheus}\n`)

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data?: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[]
  }
}

interface Counts {
  readonly read: number
  readonly written: number
  readonly failed: number
}

it.skipIf(missingPrometheus)('flow 1, scraped', { timeout: 240_000 }, async () => {
  const folder = freshFolder()
  cpSync(join(root, 'pipelines/customer-service'), folder, { recursive: true })
  mkdirSync(join(folder, 'data'))
  const rows = 5000
  writeFileSync(join(folder, 'data/retail.csv'), retailSample({ rows }))
  const monitor = `127.0.0.1:${await freePort()}`
  const specs = ['client', 'gateway', 'projection']
  const address = `127.0.0.1:${await freePort()}`
  for (const name of ['client', 'gateway']) {
    const path = join(folder, `${name}.yaml`)
    writeFileSync(path, readFileSync(path, 'utf8').replace('127.0.0.1:8080', address))
  }
  const serve = startPipe(['serve', ...specs, '--port', monitor], folder)

  const run = mkdtempSync(join(tmpdir(), 'millrace-prometheus-'))
  const place = { cache: run, run, port: await freePort() }
  onTestFinished(async () => {
    await down(place)
    rmSync(run, { recursive: true, force: true })
  })
  await up(prometheusOf(monitor), place)
  const query = async (text: string): Promise<Answer> => {
    const url = `http://127.0.0.1:${place.port}/api/v1/query?query=${encodeURIComponent(text)}`
    return (await (await fetch(url)).json()) as Answer
  }
  /** The sum of a metric for each pipeline. */
  const sums = async (metric: string): Promise<Record<string, number>> => {
    const { data } = await query(`sum by (pipeline) (${metric})`)
    return Object.fromEntries((data?.result ?? []).map(({ metric: { pipeline = '' }, value }) => [pipeline, +value[1]]))
  }
  const reached = async (metric: string, pipeline: string, least: number): Promise<void> => {
    for (let i = 0; i < 400; i++) {
      if (((await sums(metric))[pipeline] ?? 0) >= least) return
      await sleep(250)
    }
    throw new Error(`${metric} of ${pipeline} is ${JSON.stringify(await sums(metric))}\n${serve.out()}${serve.err()}`)
  }

  await reached('millrace_up', 'projection', 1)
  await reached('millrace_up', 'gateway', 1)
  expect(await pipe(['trigger', 'client'], folder)).toMatchObject({ code: 0 })
  await reached('millrace_runs_total', 'client', 1)
  await reached(
    'millrace_records_written_total',
    'projection',
    (await sums('millrace_records_written_total'))['gateway']!,
  )
  // What the processes send every two seconds, and Prometheus asks for every second.
  await sleep(4000)
  const scraped: Record<keyof Counts, Record<string, number>> = {
    read: await sums('millrace_records_read_total'),
    written: await sums('millrace_records_written_total'),
    failed: await sums('millrace_records_failed_total'),
  }

  const dashboard = readFileSync(join(root, 'deploy/grafana/millrace.json'), 'utf8')
  for (const [, text] of dashboard.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)) {
    const expression = (JSON.parse(text!) as string).replaceAll('$pipeline', '.*').replaceAll('$__rate_interval', '1m')
    expect(await query(expression)).toMatchObject({ status: 'success' })
  }

  serve.child.kill('SIGTERM')
  expect(await serve.ended).toBe(0)
  const { runs } = JSON.parse((await pipe(['runs', 'list', '--json'], folder)).out) as {
    readonly runs: readonly { readonly pipeline: string; readonly counts: Counts }[]
  }
  expect(runs.map(({ pipeline }) => pipeline).toSorted()).toEqual(specs)
  for (const { pipeline, counts } of runs)
    expect({
      pipeline,
      read: scraped.read[pipeline],
      written: scraped.written[pipeline],
      failed: scraped.failed[pipeline] ?? 0,
    }).toEqual({ pipeline, ...counts })
  expect(scraped.read['client']).toBe(rows)
  process.stdout.write(`scraped: ${JSON.stringify(scraped)}\n`)
})
