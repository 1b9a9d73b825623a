/** `pipe watermark`: the real command beside a running pipeline, and after it was killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InstanceWatermarks, RunEvent } from '@millrace/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { jsonEvents } from '../src/print/events.ts'
import { freshFolder, pipe } from './terminal.ts'

const main = ['--conditions=@millrace/source', resolve(import.meta.dirname, '../src/main.ts')]

const feed = (file: string) => `version: 1
name: ${file}
source: { type: csv, config: { path: ${file}.csv }, schema: { fields: { page: string, at: timestamp } } }
sinks: { visits: { type: log, config: { stream: visits, partitions: 2, key: page } } }
`
const perHour = `version: 1
name: per-hour
source:
  type: log
  config: { stream: visits }
  schema: { fields: { page: string, at: timestamp } }
  event_time: { field: at }
steps:
  - id: per_hour
    window: { tumbling: 1h, late: drop }
    aggregate: { by: [page], outputs: { visits: "count()" } }
sinks: { out: { type: sqlite, config: { collection: per-hour, key: [page, window_start] } } }
`

/** The pages a and b are in different partitions. */
function project(): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  for (const name of ['first', 'second']) write(`pipelines/${name}.yaml`, feed(name))
  write('pipelines/per-hour.yaml', perHour)
  write(
    'first.csv',
    'page,at\na,2026-12-01T09:00:00Z\nb,2026-12-01T08:41:00Z\na,2026-12-01T09:10:00Z\na,2026-12-01T10:20:00Z\n',
  )
  write('second.csv', 'page,at\nb,2026-12-01T10:30:00Z\n')
  return folder
}

const at = (time: string): number => Date.parse(`2026-12-01T${time}Z`)

async function watermarks(folder: string): Promise<InstanceWatermarks> {
  const { out, err } = await pipe(['watermark', 'per-hour', '--json'], folder)
  if (out === '') throw new Error(err)
  return (JSON.parse(out) as { instances: InstanceWatermarks[] }).instances[0]!
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 300; n++) {
    if (await holds().catch(() => false)) return
    await sleep(100)
  }
  throw new Error('it did not come to that')
}

it('names the silent partition while the pipeline runs, and after it was killed', { timeout: 120_000 }, async () => {
  const folder = project()
  expect((await pipe(['run', 'first'], folder)).code).toBe(0)
  const child: ChildProcess = spawn(process.execPath, [...main, 'run', 'per-hour', '--json'], { cwd: folder })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  child.stderr!.on('data', (text) => (printed += String(text)))
  const isHeld = ({ steps }: InstanceWatermarks) => steps[0]?.hold.why === 'never_idle'
  await until(async () => isHeld(await watermarks(folder)) && printed.includes('"watermark"'))

  const found = await watermarks(folder)
  const waiting = {
    windows: 3,
    records: 4,
    next: [
      { start: at('08:00:00'), end: at('09:00:00'), firesAt: at('08:59:59.999'), records: 1 },
      { start: at('09:00:00'), end: at('10:00:00'), firesAt: at('09:59:59.999'), records: 2 },
      { start: at('10:00:00'), end: at('11:00:00'), firesAt: at('10:59:59.999'), records: 1 },
    ],
  }
  const [silent, busy] = found.lanes
  expect(found.steps).toMatchObject([
    {
      step: 'per_hour',
      watermarkMs: at('08:40:59.999'),
      hold: { why: 'never_idle', source: 'source', lane: silent!.lane },
      waiting,
    },
  ])
  expect(silent).toMatchObject({ highMs: at('08:41:00'), state: 'never_idle' })
  expect(busy).toMatchObject({ highMs: at('10:20:00'), watermarkMs: at('10:19:59.999') })
  const { out } = await pipe(['watermark', 'per-hour'], folder)
  expect(out).toMatch(/^per-hour: running; this was [\d.]+ m?s ago\n/)
  expect(out).toContain(`held by source, lane ${silent!.lane}, for `)
  expect(out).toContain(': it is quiet, and its source has no idle_after (never_idle)')
  expect(out).toContain('waiting: 3 windows with 4 records\n')
  const event = printed.split('\n').find((line) => line.includes('"watermark"'))!
  expect(JSON.parse(event)).toMatchObject({ pipeline: 'per-hour', code: 'watermark', step: 'per_hour' })

  child.kill('SIGKILL')
  await once(child, 'close')
  const dead = await watermarks(folder)
  expect(dead).toMatchObject({
    heldBy: null,
    atMs: null,
    before: { holds: { per_hour: { why: 'never_idle', lane: silent!.lane } } },
    steps: [{ watermarkMs: at('08:40:59.999'), hold: { why: 'not_running', lane: silent!.lane }, waiting }],
  })
  expect((await pipe(['watermark', 'per-hour'], folder)).out).toMatch(/^per-hour: not running; this is its last save\n/)

  expect((await pipe(['run', 'second'], folder)).code).toBe(0)
  const again = spawn(process.execPath, [...main, 'run', 'per-hour', '--until', 'caught_up'], { cwd: folder })
  expect((await once(again, 'close'))[0]).toBe(0)
  expect((await watermarks(folder)).steps).toMatchObject([
    { watermarkMs: at('10:19:59.999'), waiting: { windows: 1, records: 2, next: [{ start: at('10:00:00') }] } },
  ])

  expect((await pipe(['state', 'reset', 'per-hour', '--yes'], folder)).code).toBe(0)
  expect(await watermarks(folder)).toMatchObject({ before: null, lanes: [], steps: [{ watermarkMs: null }] })
})

it('says that a pipeline has no event time, or has not run', async () => {
  const folder = project()
  expect(await pipe(['watermark', 'first'], folder)).toMatchObject({
    code: 2,
    err: expect.stringContaining('No step of `first` uses event time.'),
  })
  expect(await pipe(['watermark', 'per-hour'], folder)).toMatchObject({
    code: 2,
    err: expect.stringContaining('`per-hour` has not run yet'),
  })
})

it('is part of the progress that `pipe run --json` reports', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let printed = ''
  const events = jsonEvents({ err: (text: string) => void (printed += text) } as never)
  const watermarks = [{ step: 'per_hour', watermarkMs: 1, hold: { why: 'reading', sinceMs: 0 } }]
  const progress = { bytes: 0, totalBytes: 0, complete: false, watermarks }
  const started = { type: 'started', pipeline: 'p', incarnation: 1, resumed: false, counters: [], progress }
  events.observe('p', started as unknown as RunEvent)
  vi.advanceTimersByTime(10_000)
  events.close()
  expect(JSON.parse(printed.trim().split('\n').at(-1)!)).toMatchObject({ code: 'progress', watermarks })
})
