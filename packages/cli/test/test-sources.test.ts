/** Cases about what sources and sinks do: side inputs, gateways, several sources, runs that continue, keys. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

/** Runs the only case of a spec. */
async function run(spec: string, one: string, files: Readonly<Record<string, string>> = {}) {
  const folder = freshFolder()
  const all = {
    'millrace.yaml': 'connections: { events: stream }\n',
    'pipeline.yaml': `version: 1\nname: it\n${spec}`,
    'pipeline.test.yaml': `tests:\n  - name: one\n    crash: every\n${one.replaceAll(/^/gm, '    ')}\n`,
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return pipe(['test'], folder)
}

const passed = { code: 0, err: '' }
const schema = 'schema: { fields: { id: integer, city: string? } }'

describe('side inputs', () => {
  const joined = (side: string) => `sources:
  source: { type: csv, config: { path: in.csv }, ${schema} }
  ${side}
steps:
  - from: source
    join: { source: cities, on: { city: code }, type: left }
sinks: { out: { type: console } }
`
  const file = 'cities: { type: csv, config: { path: c.csv }, schema: { fields: { code: string, name: string } } }'
  const store = file.replace('csv, config: { path: c.csv }', 'sqlite, config: { collection: c }')
  const given = 'given: { source: [{ id: 1, city: L }] }'
  const expected = (name: string) => `expect: { out: [{ id: 1, city: L, name: ${name} }] }`

  it('are read from their files, or given', async () => {
    const files = { 'c.csv': 'code,name\nL,Lyon\n' }
    expect(await run(joined(file), `${given}\n${expected('Lyon')}`, files)).toMatchObject(passed)
    const both = 'given: { source: [{ id: 1, city: L }], cities: [{ code: L, name: Lille }] }'
    expect(await run(joined(file), `${both}\n${expected('Lille')}`, files)).toMatchObject(passed)
  })

  it('from a store must be given', async () => {
    const { code, err } = await run(joined(store), `${given}\n${expected('Lyon')}`)
    expect(code).toBe(2)
    expect(err).toContain('the side input `cities` is not a file, so its records must be given')
  })
})

describe('gateways', () => {
  const gateway = `source: { type: http, config: { address: "127.0.0.1:8080", path: /x }, ${schema}, answer: big }
steps: [{ id: big, where: "id > 1" }]
sinks: { out: { connection: events, config: { stream: s } } }
`

  it('take each record as a request, and answer it', async () => {
    const one = `given: { source: [{ id: 2, city: Rome }, { id: 1 }, { raw: '{"id": "x"}' }, { id: 3 }] }
expect:
  out: [{ id: 2, city: Rome }, { id: 3 }]
  answers:
    - { outcome: taken, record: { city: Rome } }
    - { outcome: dropped }
    - { outcome: refused, code: not_integer, field: id }
    - { source: source, outcome: taken, record: { id: 3 } }`
    expect(await run(gateway, one)).toMatchObject(passed)
  })

  it('show answers that differ', async () => {
    const { code, out } = await run(
      gateway,
      'given: { source: [{ id: 2 }] }\nexpect: { answers: [{ outcome: refused }] }',
    )
    expect(code).toBe(1)
    expect(out).toContain('outcome: expected refused, got taken')
  })
})

describe('several sources', () => {
  const two = (more = '') => `sources:
  a: { connection: events, config: { stream: a }, ${schema} }
  b: { connection: events, config: { stream: b }, ${schema} }
steps: [{ id: both, from: [a, b], where: "true" }]
sinks: { out: { type: console } }
${more}`

  it('deliver in the order of time, and those of one time in the order of the case', async () => {
    const one = `clock: 2026-01-01T00:00:00Z
given:
  b: [{ id: 1 }, { at: 2026-01-01T02:00:00Z, record: { id: 5 } }]
  a: [{ id: 2 }, { wait: 1h }, { id: 3 }, { split: p, record: { id: 4 } }, { wait: 24h }, { id: 6 }]
expect: { out: [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }, { id: 5 }, { id: 6 }] }`
    expect(await run(two(), one)).toMatchObject(passed)
  })

  it('have one dead letter, also if they are not connected', async () => {
    const apart = two(`on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: bad/, format: jsonl } }
`)
      .replace(/steps: .*/, '')
      .replace(/sinks: .*/, 'sinks: { x: { from: a, type: console }, y: { from: b, type: console } }')
    const one = `given: { a: [{ raw: "{" }, { id: 1 }], b: [{ raw: "[]" }] }
expect: { x: [{ id: 1 }], y: [], dead_letter: [{ step: b }, { step: a, raw: "{" }] }`
    expect(await run(apart, one)).toMatchObject(passed)
  })
})

describe('sinks', () => {
  const into = (sink: string) => `source: { type: csv, config: { path: in.csv }, ${schema} }
sinks: { out: ${sink} }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: bad/, format: jsonl } }
`
  const given = 'given: { source: [{ id: 1, city: A }, { id: 2 }, { id: 1, city: B }, { id: 3, city: A }] }'

  it('with a key hold the last record of each, and refuse one without', async () => {
    const spec = into('{ type: sqlite, config: { collection: c, key: city } }')
    const one = `${given}\nexpect:
  out: [{ id: 3, city: A }, { id: 1, city: B }]
  dead_letter: [{ code: null_key }]`
    expect(await run(spec, one)).toMatchObject(passed)
  })

  it('that insert refuse a second record with a key', async () => {
    const spec = into('{ type: sqlite, config: { collection: c, key: id, write: insert } }')
    const one = `${given}\nexpect:
  out: [{ id: 1, city: A }, { id: 2 }, { id: 3, city: A }]
  dead_letter: [{ code: key_exists }]`
    expect(await run(spec, one)).toMatchObject(passed)
  })

  it('that hold the checkpoint until they roll, as Parquet files do, keep all records once', async () => {
    const spec = into('{ type: files, config: { path: out/, format: parquet } }')
    const one = `${given}\nexpect: { out: [{ id: 1, city: A }, { id: 2 }, { id: 1, city: B }, { id: 3, city: A }] }`
    expect(await run(spec, one)).toMatchObject(passed)
  })
})

describe('steps with memory', () => {
  it('are restored after every crash', async () => {
    const spec = `source: { type: csv, config: { path: in.csv }, ${schema} }
steps:
  - dedupe: { by: [id], last: 100 }
  - aggregate: { by: [city], outputs: { n: "count()", most: "max(id)" } }
sinks: { out: { type: console } }
`
    const one = `given: { source: [{ id: 1, city: A }, { id: 1, city: A }, { id: 2, city: B }, { id: 7, city: A }] }
expect: { out: [{ city: A, n: 2, most: 7 }, { city: B, n: 1, most: 2 }] }`
    expect(await run(spec, one)).toMatchObject(passed)
  })
})
