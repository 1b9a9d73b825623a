/** Edits of a spec while windows are open: what keeps them, and what would lose them. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const spec = `version: 1
name: job
runs: continue
source:
  type: files
  config: { path: in/ }
  schema: { fields: { g: string, n: integer, at: timestamp } }
  event_time: { field: at, max_out_of_order: 5m, idle_after: 1m }
steps:
  - id: hourly
    window: { tumbling: 1h, allowed_lateness: 10m, late: late }
    aggregate: { by: [g], outputs: { total: "sum(n)" }, max_groups: 1000 }
  - id: shown
    set: { double: "total * 2" }
sinks:
  hours: { from: shown, type: sqlite, config: { path: store.db, collection: hours, key: [g, window_start] } }
  late: { type: sqlite, config: { path: store.db, collection: late } }
`
const line = (g: string, n: number, time: string) => `{"g":"${g}","n":${n},"at":"2026-01-01T${time}:00Z"}\n`

/** A run that has ended with two open windows, from 10:00 and from 11:00. */
async function paused(): Promise<string> {
  const folder = freshFolder()
  mkdirSync(join(folder, 'in'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'job.yaml'), spec)
  writeFileSync(join(folder, 'in/1.jsonl'), line('a', 1, '10:10') + line('a', 2, '10:50') + line('b', 4, '11:02'))
  expect((await pipe(['run', 'job.yaml'], folder)).code).toBe(0)
  return folder
}
const effects = async (folder: string): Promise<string[]> => {
  const { out, err, code } = await pipe(['plan', 'job.yaml', '--json'], folder)
  expect(code, err).toBe(0)
  const { state } = JSON.parse(out) as { state: { edits: { effect: string }[] }[] }
  return state.flatMap(({ edits }) => edits.map(({ effect }) => effect))
}

describe('open windows', () => {
  it.each([
    ['emit', 'max_groups: 1000', 'max_groups: 1000, emit: on_close'],
    ['late', 'late: late }', 'late: drop }\n    description: nobody reads them'],
    ['allowed_lateness', 'allowed_lateness: 10m', 'allowed_lateness: 30m'],
    ['max_out_of_order', 'max_out_of_order: 5m', 'max_out_of_order: 9m'],
    ['idle_after', 'idle_after: 1m', 'idle_after: 5m'],
    ['no idle_after', ', idle_after: 1m', ''],
    ['max_skew', 'idle_after: 1m', 'idle_after: 1m, max_skew: 1h'],
    ['max_groups', 'max_groups: 1000', 'max_groups: 2000'],
    ['a step behind them', 'total * 2', 'total + total'],
  ])('are kept with another %s', async (what, from, to) => {
    const folder = await paused()
    const edited = spec.replace(from, to)
    expect(edited).not.toBe(spec)
    const isUnread = what === 'late'
    writeFileSync(join(folder, 'job.yaml'), isUnread ? edited.replace(/ {2}late: \{ type.*\n/, '') : edited)
    const found = await effects(folder)
    expect(found).not.toContain('refused')
    expect(found).not.toContain('discards')
    // The window from 10:00 still has the records from before the edit.
    appendFileSync(join(folder, 'in/1.jsonl'), line('a', 8, '10:59') + line('b', 16, '12:50'))
    const { code, err } = await pipe(['run', 'job.yaml'], folder)
    expect(code, err).toBe(0)
    const { out } = await pipe(['query', 'hours', 'hours', '--json'], folder)
    expect(out).toMatch(/"total":\s*11/)
  })

  it.each([
    ['length', 'tumbling: 1h', 'tumbling: 2h'],
    ['kind', 'tumbling: 1h', 'session: 1h'],
    ['offset', 'tumbling: 1h', 'tumbling: 1h, offset: 5m'],
    ['group', 'by: [g], outputs', 'by: [n], outputs'],
    ['aggregate', 'sum(n)', 'max(n)'],
    ['id', 'id: hourly', 'id: by_hour'],
  ])('are not lost with another %s, unless that is wanted', async (_, from, to) => {
    const folder = await paused()
    writeFileSync(
      join(folder, 'job.yaml'),
      spec
        .replace(from, to)
        .replace(/key: \[.*?\]/, to.includes('by: [n]') ? 'key: [n, window_start]' : 'key: [g, window_start]'),
    )
    const state = readFileSync(join(folder, 'job.yaml'), 'utf8')
    expect(state).not.toBe(spec)
    const { code, err } = await pipe(['run', 'job.yaml'], folder)
    expect(code, err).toBe(2)
    expect(err).toContain('state_changed')
    expect((await pipe(['run', 'job.yaml', '--reset-state'], folder)).code).toBe(0)
  })
})
