/** Keys, headers and records without a value come through every hop as they were: log, sinks, dead letter, replay. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type NewChunk, openLog } from '@millrace/client-log'
import { type Headers, wireBytes, wireText, type WireText } from '@millrace/core'
import { wireRecords } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const text = (base64: string): WireText => wireText(Buffer.from(base64, 'base64'))
const logOf = (folder: string, stream: string) => join(folder, '.millrace', 'local', 'log', `${stream}.db`)

interface Sent {
  readonly key: WireText | null
  readonly value: string | null
  readonly headers?: Headers
}

function project(records: readonly Sent[]): string {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  mkdirSync(join(folder, '.millrace', 'local', 'log'), { recursive: true })
  append(folder, records)
  return folder
}

function append(folder: string, records: readonly Sent[]): void {
  const log = openLog(logOf(folder, 'in'), { partitions: 1 })!
  const chunk: NewChunk = {
    partition: 0,
    count: records.length,
    time: 1000,
    ids: records.map((_, i) => `id${i}`),
    keys: records.map(({ key }) => key),
    headers: records.map(({ headers }) => headers ?? null),
    nulls: new Set(records.flatMap(({ value }, i) => (value === null ? [i] : []))),
    body: Buffer.from(records.map(({ value }) => `${value ?? ''}\n`).join('')),
    ends: undefined,
  }
  log.append([chunk])
  log.close()
}

/** The records of a stream: key and headers in hex. */
function contents(folder: string, stream: string): unknown[] {
  const hex = (each: WireText | null) => each && wireBytes(each).toString('hex')
  const log = openLog(logOf(folder, stream))!
  const found = log.read(0, 0, 1e9).flatMap(({ count, keys, headers, nulls, body, ends }) => {
    const bytes = Buffer.from(body)
    let at = 0
    return Array.from({ length: count }, (_, i) => {
      const end = ends ? ends[i]! : bytes.indexOf(10, at)
      const value = bytes.subarray(at, end).toString()
      at = ends ? end : end + 1
      const own = (headers?.[i] ?? []).map(([name, each]) => [hex(name), each === null ? null : hex(each)])
      return { key: hex(keys?.[i] ?? null), value: nulls?.has(i) ? null : value, headers: own }
    })
  })
  log.close()
  return found
}

const wire = (): Sent[] =>
  wireRecords.map(({ key, value, headers }) => ({
    key: key === null ? null : text(key),
    value: value === null ? null : Buffer.from(value, 'base64').toString(),
    headers: headers.map(([name, each]) => [text(name), each === null ? null : text(each)]),
  }))

const hexOf = (base64: string) => Buffer.from(base64, 'base64').toString('hex')
/** The same, as `contents` shows them. */
const shownWire = wireRecords.map(({ key, value, headers }) => ({
  key: key === null ? null : hexOf(key),
  value: value === null ? null : Buffer.from(value, 'base64').toString(),
  headers: headers.map(([name, each]) => [hexOf(name), each === null ? null : hexOf(each)]),
}))

const spec = (source: string, fields: string, more: string) => `version: 1
name: job
source: { type: log, config: { stream: in, stop: end, ${source} }, schema: { fields: { ${fields} } } }
${more}`

async function run(folder: string, content: string, code = 0) {
  writeFileSync(join(folder, 'job.yaml'), content)
  const ended = await pipe(['run', 'job.yaml', '--json'], folder)
  expect(ended).toMatchObject({ code })
  return ended
}

describe('a stream', () => {
  const copy = 'sinks: { out: { type: log, config: { stream: out } } }\n'
  const headers = 'headers: { list: { fields: { name: string, value: bytes? } } }'

  const through = 'sinks: { out: { type: log, config: { stream: out, headers_field: headers } } }\n'
  // A field that is written beside the value is in it too.
  const plain = (each: unknown) => {
    const { value, ...rest } = each as { value: string | null }
    return { ...rest, value: value && ({ n: (JSON.parse(value) as { n: number }).n } as unknown) }
  }

  it.each([
    ['as they came', 'tombstones: keep, headers_field: headers', `n: integer?, ${headers}`, through],
    [
      'with the key in a field',
      'tombstones: keep, key_field: k, headers_field: headers',
      `n: integer?, k: bytes?, ${headers}`,
      through,
    ],
    [
      'with their value as bytes',
      'format: bytes, headers_field: headers',
      `value: bytes?, ${headers}`,
      'sinks: { out: { type: log, config: { stream: out, format: bytes, headers_field: headers } } }\n',
    ],
  ])('is copied with its keys, headers and nulls %s', async (_how, source, fields, sinks) => {
    const folder = project(wire())
    await run(folder, spec(source, fields, sinks))
    expect(contents(folder, 'out').map(plain)).toEqual(shownWire.map(plain))
  })

  it('is copied with its keys, and without headers that no field was declared for', async () => {
    const folder = project(wire())
    await run(folder, spec('tombstones: keep', 'n: integer?', copy))
    expect(contents(folder, 'out')).toEqual(shownWire.map((each) => ({ ...each, headers: [] })))
  })

  it('comes through a dead letter and its replay with its keys, headers and nulls', async () => {
    const folder = project(wire())
    const more = `${through}on_error: { data: dead_letter }\ndead_letter: { type: files, config: { path: dead/ } }\n`
    await run(folder, spec('tombstones: error, headers_field: headers', `n: boolean?, ${headers}`, more))
    const list = await pipe(['dead-letter', 'list', 'job.yaml'], folder)
    expect(list).toMatchObject({ code: 0, out: expect.stringMatching(/not_boolean[^]*tombstone/) })
    writeFileSync(
      join(folder, 'job.yaml'),
      spec('tombstones: keep, headers_field: headers', `n: integer?, ${headers}`, more),
    )
    const replayed = await pipe(['dead-letter', 'replay', 'job.yaml', '--json'], folder)
    expect(JSON.parse(replayed.out)).toMatchObject({ letters: wireRecords.length, failedAgain: [] })
    expect(contents(folder, 'out')).toEqual(shownWire)
  })

  it.each([
    ['5', 'bad_headers'],
    ['{"a":5}', 'bad_headers'],
    ['{"a":{"b":1}}', 'bad_headers'],
    ['[1]', 'bad_headers'],
    ['"text"', 'bad_headers'],
    ['{"a":null,"b":"x"}', undefined],
  ])('takes headers from a field of json, or has a bad record: %s', async (value, code) => {
    const folder = project([{ key: null, value: `{"h":${value}}` }])
    const sinks = 'sinks: { out: { type: log, config: { stream: out, headers_field: h } } }\n'
    const dead = 'on_error: { data: dead_letter }\ndead_letter: { type: files, config: { path: dead.jsonl } }\n'
    await run(folder, spec('', 'h: json?', sinks + dead))
    if (code === undefined)
      return expect(contents(folder, 'out')).toMatchObject([
        {
          headers: [
            ['61', null],
            ['62', '78'],
          ],
        },
      ])
    expect(JSON.parse(readFileSync(join(folder, 'dead.jsonl'), 'utf8'))).toMatchObject({ code, field: 'h' })
  })
})

describe('a record without a value', () => {
  const source = 'tombstones: keep, key_field: k'
  const fields = 'n: integer?, k: string'
  const put = (key: string, n: number): Sent => ({ key, value: JSON.stringify({ n }) })
  const gone = (key: string): Sent => ({ key, value: null })
  const records = [put('a', 1), put('b', 1), gone('a'), put('c', 1), gone('c'), put('c', 2), gone('never')]
  const rowsOf = (folder: string, sql: string) => {
    const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true })
    const found = db.prepare(sql).all()
    db.close()
    return found.map((row) => Object.values(row))
  }

  it.each([
    ['collection: t', 'SELECT id FROM t ORDER BY id', ''],
    ['collection: t', 'SELECT id FROM t ORDER BY id', 'write: set, '],
    ['table: t', 'SELECT k FROM t ORDER BY k', 'write: merge, '],
  ])('deletes what has its key, now and in the next run: %s', async (place, sql, write) => {
    const folder = project(records)
    const sinks = `sinks: { out: { type: sqlite, config: { path: store.db, ${place}, ${write}key: k, on_null: delete } } }\n`
    await run(folder, spec(source, fields, sinks))
    expect(rowsOf(folder, sql)).toEqual([['b'], ['c']])
    append(folder, [gone('b'), put('d', 1)])
    await run(folder, spec(source, fields, sinks))
    expect(rowsOf(folder, sql)).toEqual([['c'], ['d']])
  })

  it.each([
    ['error', ['b', 'a', 'c'], 'tombstone'],
    ['skip', ['b', 'a', 'c'], undefined],
    ['write', ['b', 'a', 'c', 'never'], undefined],
  ])('is an error, left out or a row with nulls: %s', async (how, kept, code) => {
    const folder = project(records)
    const sinks = `sinks: { out: { type: sqlite, config: { path: store.db, collection: t, key: k, on_null: ${how} } } }\n`
    const dead = 'on_error: { data: dead_letter }\ndead_letter: { type: files, config: { path: dead.jsonl } }\n'
    await run(folder, spec(source, fields, sinks + dead))
    expect(new Set(rowsOf(folder, 'SELECT id FROM t').flat())).toEqual(new Set(kept))
    const letters = code ? readFileSync(join(folder, 'dead.jsonl'), 'utf8').trim().split('\n') : []
    expect(letters.map((each) => (JSON.parse(each) as { code: string }).code)).toEqual(letters.map(() => code))
    expect(letters).toHaveLength(code ? 3 : 0)
  })

  it.each([
    ['sqlite, config: { collection: t, on_null: delete }', 'without `key`'],
    ['sqlite, config: { collection: t, key: k, write: insert, on_null: delete }', 'with `write: insert`'],
    ['sqlite, config: { table: t, on_null: delete }', 'rows that are appended have no key'],
    [
      'sqlite, config: { collection: t, key: k, write: set, attribute: { name: k, value: [n] }, on_null: delete }',
      'with `attribute`',
    ],
  ])('cannot delete what has no key of its own: %s', async (sink, why) => {
    const folder = project([])
    writeFileSync(join(folder, 'job.yaml'), spec(source, fields, `sinks: { out: { type: ${sink} } }\n`))
    expect(await pipe(['check', 'job.yaml'], folder)).toMatchObject({ code: 2, err: expect.stringContaining(why) })
  })
})

it('a bad record moves the time of its lane also where headers are a field', async () => {
  const header: Headers = [['h', 'x']]
  const folder = project([
    { key: 'a', value: '{"t":"2026-01-01T00:00:00Z","n":1}', headers: header },
    { key: 'b', value: '{"t":"2026-01-01T05:00:00Z","n":"bad"}', headers: header },
    { key: 'c', value: '{"t":"2026-01-01T00:10:00Z","n":1}', headers: header },
  ])
  await run(
    folder,
    `version: 1
name: job
source:
  type: log
  config: { stream: in, stop: end, key_field: k, headers_field: h }
  schema: { fields: { t: timestamp, k: string, n: integer, h: json } }
  event_time: { field: t, max_out_of_order: 0s }
steps:
  - aggregate: { by: [k], window: { tumbling: 1h, late: late }, outputs: { n: "sum(n)" } }
sinks:
  out: { type: log, config: { stream: out, key: k } }
  late: { from: late, type: log, config: { stream: late } }
on_error: { data: drop }
`,
  )
  expect(contents(folder, 'out')).toMatchObject([{ key: '61' }])
  expect(contents(folder, 'late')).toMatchObject([{ key: '63' }])
})
