/** Windows over instances that have come differently far, whose state is moved to one process. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLog } from '@millrace/client-log'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const windows = { tumbling: 'tumbling: 1h', sliding: 'sliding: 1h, slide: 30m' }

const specOf = (window: string, emit: string) => `version: 1
name: hours
runs: continue
source:
  type: log
  config: { stream: events, path: log, partitioned_by: [key] }
  schema: { fields: { key: string, at: timestamp } }
  event_time: { field: at, max_out_of_order: 0s }
steps:
  - id: hourly
    window: { ${window}, late: late }
    aggregate: { by: [key], outputs: { n: "count()" }, emit: ${emit} }
sinks:
  hours: { type: sqlite, config: { path: store.db, table: hours, write: append } }
  late: { type: sqlite, config: { path: store.db, table: late, write: append } }
`

/** One partition for each of two instances. */
function append(folder: string, partition: number, ...times: string[]): void {
  const log = openLog(join(folder, 'log', 'events.db'), { partitions: 2 })!
  const key = `key-${partition}`
  const body = Buffer.from(times.map((time) => `{"key":"${key}","at":"2026-03-01T${time}:00Z"}\n`).join(''))
  const [keys, ids] = [times.map(() => key), times.map((time) => `${partition}-${time}`)]
  log.append([{ partition, count: times.length, time: 1, ids, keys, headers: undefined, body, ends: undefined }])
  log.close()
}

async function run(folder: string, ...args: string[]): Promise<void> {
  const { code, err } = await pipe(args, folder)
  if (code !== 0) throw new Error(err)
}

function rowsOf(folder: string, columns: string, table: string): string[] {
  const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true })
  const rows = db.prepare(`SELECT ${columns} FROM ${table}`).all()
  db.close()
  return rows.map((row) => Object.values(row).join(' ')).sort()
}

describe.each(['tumbling', 'sliding'] as const)('%s windows', (kind) => {
  it.each(['on_end', 'on_close'])('%s: each result is there once, however far an instance had come', async (emit) => {
    for (const ahead of [0, 1]) {
      const behind = 1 - ahead
      const folder = freshFolder()
      mkdirSync(join(folder, 'log'))
      writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
      writeFileSync(join(folder, 'hours.yaml'), specOf(windows[kind], emit))
      append(folder, ahead, '08:10', '09:10', '11:40', '12:00')
      append(folder, behind, '08:10')
      for (const i of [0, 1]) await run(folder, 'run', 'hours.yaml', '--instance', `${i}/2`, '--until', 'caught_up')
      await run(folder, 'state', 'rescale', 'hours', '--to', '1')
      // In time for its own lane, though the other one is beyond it; late for that.
      append(folder, behind, '08:50', '09:20', '12:00')
      append(folder, ahead, '08:20')
      await run(folder, 'run', 'hours.yaml', '--until', 'caught_up')
      expect(rowsOf(folder, 'key, substr(window_start, 12, 5), n', 'hours')).toEqual(
        [
          ...resultsOf(kind, ahead, ['08:10', '09:10', '11:40']),
          ...resultsOf(kind, behind, ['08:10', '08:50', '09:20']),
        ].sort(),
      )
      expect(rowsOf(folder, 'key', 'late')).toEqual([`key-${ahead}`])
    }
  })
})

/** The results that are due at 12:00, counted by brute force. */
function resultsOf(kind: keyof typeof windows, partition: number, times: readonly string[]): string[] {
  const minutes = times.map((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)))
  const found: string[] = []
  for (let start = 0; start + 60 <= 12 * 60; start += kind === 'sliding' ? 30 : 60) {
    const n = minutes.filter((minute) => minute >= start && minute < start + 60).length
    const text = [start / 60, start % 60].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':')
    if (n > 0) found.push(`key-${partition} ${text} ${n}`)
  }
  return found
}
