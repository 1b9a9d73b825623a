/** The step, and records in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Output, parseRecordType, Records, type Row, type Transform } from '@millrace/core'
import steps from '@millrace/transforms'

const aggregate = steps.find(({ type }) => type === 'aggregate')!
const { type: input } = parseRecordType({ fields: { key: 'string', user: 'string', value: 'number' } })

/** An `aggregate` by `key`. */
export const createStep = (window: object, outputs: Readonly<Record<string, string>>): Transform => {
  const options = {
    by: ['key'],
    outputs,
    max_groups: 10_000_000,
    window: { zone: 'UTC', offset: 0, allowed_lateness: 0, shape: 'fields', late: 'drop', ...window },
  }
  const env = { root: '/', home: '/', profile: 'local', pipeline: 'bench', id: 'step', resolve: (path: string) => path }
  return aggregate.create(options, { ...env, input, sideInputs: {}, times: { in: { maxOutOfOrderMs: 1e12 } } } as never)
}

export const batchRows = 1000
/** Records as a source hands them over: batches of 1,000 rows of one split. `row`: the i-th; `time`: its event time. */
export function batchesOf(n: number, row: (i: number) => Row, time: (i: number) => number): Records[] {
  return Array.from({ length: Math.ceil(n / batchRows) }, (_, b) => {
    const first = b * batchRows
    const length = Math.min(batchRows, n - first)
    const rows = Array.from({ length }, (_, i) => row(first + i))
    const times = Float64Array.from({ length }, (_, i) => time(first + i))
    const batch = { split: 's', rows, times, bytes: length * 100, positionAt: (i: number) => first + i }
    return new Records({ rows, from: [{ source: 'in', batch }], pipeline: 'bench' })
  })
}

export const never = () => {
  throw new Error('a record failed')
}
/** Counts results. */
export function counter(): { readonly out: Output; readonly count: () => number } {
  let n = 0
  const out: Output = { fail: never, side: never, result: () => void n++, failResult: never }
  return { out, count: () => n }
}

/** Milliseconds of CPU, all threads. */
export function cpuMs(work: () => void): number {
  globalThis.gc?.()
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** A folder that is removed at exit. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
