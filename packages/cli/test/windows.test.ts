/** Windows from YAML, by the real command: what a record's time is, and what may follow results that come again. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const head = `version: 1
name: hours
source:
  type: csv
  config: { path: in.csv }
  schema: { fields: { id: string, at: string, n: integer } }
  event_time: { field: at, formats: [yyyy-MM-dd HH:mm] }
`
const sinks = `sinks:
  hours: { from: hourly, type: files, config: { path: out/hours.jsonl, existing: replace } }
`

function project(spec: string, csv = ''): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'out'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'hours.yaml'), spec)
  writeFileSync(join(folder, 'in.csv'), `id,at,n\n${csv}`)
  return folder
}

async function hours(spec: string, csv: string): Promise<string[]> {
  const folder = project(spec, csv)
  const { code, err } = await pipe(['run', 'hours.yaml'], folder)
  expect([code, err]).toEqual([0, expect.any(String)])
  return readFileSync(join(folder, 'out/hours.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { window_start: string; n: number })
    .map(({ window_start, n }) => `${window_start.slice(11, 16)} ${n}`)
    .sort()
}

const dated = head
  .replace('id: string, at: string', 'id: string, at: timestamp')
  .replace(', formats: [yyyy-MM-dd HH:mm]', '')
const hourly = `steps:
  - id: hourly
    window: { tumbling: 1h, late: drop }
    aggregate: { outputs: { n: "sum(n)" } }
`
const day = (time: string, n: number | string): string => `a,2025-01-01T${time}:00Z,${n}\n`

describe('a record', () => {
  it('is late if its lane was beyond its window, without a word about disorder', async () => {
    const csv = day('00:10', 1) + day('01:10', 1) + day('05:20', 1) + day('00:20', 1)
    expect(await hours(dated + hourly + sinks, csv)).toEqual(['00:00 1', '01:00 1', '05:00 1'])
  })

  it('that is bad moves its lane as any other does, wherever batches end', async () => {
    const more = `on_error: { data: drop }\n`
    const bad = day('00:10', 1) + day('05:10', 'x')
    expect(await hours(dated + hourly + sinks + more, bad + day('00:20', 2))).toEqual(['00:00 1'])
    expect(await hours(dated + hourly + sinks + more, bad + day('00:20', 2).repeat(3000))).toEqual(['00:00 1'])
  })

  it('without a readable time is bad, and moves nothing', async () => {
    const more = `on_error: { data: dead_letter }\ndead_letter: { type: files, config: { path: out/bad.jsonl } }\n`
    const text = head
    const csv = 'a,2025-01-01 00:10,1\na,2025-13-01 05:10,1\na,,1\na,2025-01-01 00:20,2\n'
    const folder = project((text + hourly + sinks + more).replace('at: string', 'at: string?'), csv)
    expect((await pipe(['run', 'hours.yaml'], folder)).code).toBe(0)
    expect(JSON.parse(readFileSync(join(folder, 'out/hours.jsonl'), 'utf8'))).toMatchObject({ n: 3 })
    const letters = readFileSync(join(folder, 'out/bad.jsonl'), 'utf8').trim().split('\n')
    expect(letters.map((line) => JSON.parse(line) as object)).toMatchObject([
      { code: 'no_event_time', field: 'at', message: expect.stringContaining('"2025-13-01 05:10"') },
      { code: 'no_event_time', field: 'at', message: 'has no event time' },
    ])
  })
})

describe('results that come again', () => {
  const updates = (steps: string, key: string) => `${dated}steps:
  - id: hourly
    window: { tumbling: 1h, allowed_lateness: 2h, late: drop }
    aggregate: { by: [id], outputs: { sum: "sum(n)" } }
${steps}sinks:
  hours: { type: sqlite, config: { path: out/store.db, collection: hours${key} } }
`
  const codes = async (spec: string) => {
    const { out, err } = await pipe(['check', 'hours.yaml'], project(spec))
    return [...`${out}${err}`.matchAll(/(?:error|warning) (\w+)/g)].map(([, code]) => code)
  }

  it.each([
    ['', ''],
    ['', ', key: [id, window_start]'],
    ['  - select: [{ name: id }, window_start, sum]\n', ', key: [name, window_start]'],
    ['  - set: { double: "sum * 2" }\n', ', key: [id, window_start]'],
  ])('may pass steps that give one record for one: %j, %j', async (steps, key) => {
    expect(await codes(updates(steps, key))).toEqual([])
  })

  it.each([
    ['  - set: { id: "string(sum)" }\n', ', key: [id, window_start]', 'sink_behind_updates'],
    ['', ', key: [id, sum]', 'sink_behind_updates'],
    ['  - where: "sum > 1"\n', '', 'step_behind_updates'],
  ])('must reach the place of the one before: %j, %j', async (steps, key, code) => {
    expect(await codes(updates(steps, key))).toEqual([code])
  })
})

it('a preview shows windows and late records', async () => {
  const csv = day('00:10', 1) + day('05:20', 1) + day('00:20', 1)
  const late = hourly.replace('late: drop', 'late: late_rows')
  const folder = project(`${dated}${late}${sinks}  late_rows: { type: console }\n`, csv)
  const { code, out } = await pipe(['preview', 'hours.yaml', '--json'], folder)
  expect(code).toBe(0)
  expect(out).toContain('late_rows')
  expect(out).toMatch(/"n":\s*1/)
})

it('a plan says when events happened, and how long windows are, with their units', async () => {
  const { out } = await pipe(['plan', 'hours.yaml'], project(head + hourly + sinks))
  expect(out).toContain('event time: at as yyyy-MM-dd HH:mm in UTC; 0s out of order')
  expect(out).toContain('window: { tumbling: 1h, late: drop }')
})

describe('the order of lanes is logged', () => {
  const stream = (options: string, time: string) =>
    `  stream: { type: log, config: { stream: s${options} }, schema: { fields: { id: string, at: timestamp } }, event_time: { field: at${time} } }\n`
  const file =
    '  file: { type: csv, config: { path: in.csv }, schema: { fields: { id: string, at: timestamp } }, event_time: { field: at } }\n'
  const isLogged = async (runs: string, sources: string, from: string) => {
    const steps = `steps:\n  - { id: w, from: [${from}], window: { tumbling: 1h, late: drop }, aggregate: { by: [id], outputs: { n: "count()" } } }\n`
    const spec = `version: 1\nname: hours\nruns: ${runs}\nsources:\n${sources}${steps}sinks: { out: { type: console } }\n`
    const { out, err, code } = await pipe(['plan', 'hours.yaml', '--json'], project(spec))
    expect(code, err).toBe(0)
    return (JSON.parse(out) as { steps: { ordered: boolean }[] }).steps[0]!.ordered
  }

  it.each([
    ['where a lane can be idle', true, 'continue', stream('', ', idle_after: 1m'), 'stream'],
    [
      'though the memory of each partition is its own: they share a watermark',
      true,
      'continue',
      stream(', partitioned_by: [id]', ', idle_after: 1m'),
      'stream',
    ],
    ['where one ends and others go on', true, 'continue', file + stream('', ''), 'file, stream'],
    ['where partitions end one by one', true, 'continue', stream(', stop: end', ''), 'stream'],
    ['but not where all go on', false, 'continue', stream('', ''), 'stream'],
    ['but not for one lane', false, 'continue', file, 'file'],
    ['but not where all end with the run', false, 'whole', file + stream(', stop: end', ''), 'file, stream'],
  ])('%s', async (_, expected, runs, sources, from) => expect(await isLogged(runs, sources, from)).toBe(expected))
})
