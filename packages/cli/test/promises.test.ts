/** What `pipe plan` guarantees, with the real connectors: the weakest guarantee on the paths from sources to sinks. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const schema = '{ fields: { order: string, n: integer, items: list<string> } }'
const csv = `{ type: csv, config: { path: a.csv }, schema: { fields: { order: string, n: integer, items: string } } }`
const log = (more = '') => `{ type: log, config: { stream: a, path: log, stop: end${more} }, schema: ${schema} }`
const gateway = (more = '') =>
  `{ type: http, config: { address: "127.0.0.1:0", path: /o, insecure: true${more} }, schema: ${schema} }`
const lines = '{ type: files, config: { path: out/, format: jsonl } }'
const table = '{ type: sqlite, config: { path: a.db, table: t } }'
const documents = (key = '') => `{ type: sqlite, config: { path: a.db, collection: c${key} } }`
const branches = `
  - { id: a, from: source, where: "n > 3" }
  - { id: b, from: source, where: "n < 10" }`
const routed = `
  - { id: r, route: { a: "n > 3", b: "n <= 3" } }`

interface Promised {
  readonly label: string
  readonly weakest: string
  readonly within?: readonly string[]
}
interface Spec {
  readonly source: string
  readonly steps?: string
  readonly from?: string
  readonly sink: string
}

async function planOf({ source, steps = '', from, sink }: Spec) {
  const folder = freshFolder()
  const sinkText = from === undefined ? sink : sink.replace('{', `{ from: ${from},`)
  const text = `version: 1\nname: p\nruns: ${source.includes('http') ? 'continue' : 'whole'}\nsource: ${source}\n${steps && `steps:${steps}\n`}sinks:\n  out: ${sinkText}\n`
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'p.yaml'), text)
  const { out } = await pipe(['plan', 'p.yaml', '--json'], folder)
  return JSON.parse(out) as {
    delivery?: Promised
    findings?: readonly { code: string; line: number; message: string }[]
  }
}

it.each([
  ['a file by id', { source: csv, sink: documents() }, 'effectively-once', 'upsert by record id'],
  ['a file into files', { source: csv, sink: lines }, 'effectively-once', 'publish-once'],
  ['a gateway without keys', { source: gateway(), sink: documents() }, 'at-least-once', 'without an Idempotency-Key'],
  [
    'a gateway with keys, by id',
    { source: gateway(', keys: { required: true }'), sink: documents() },
    'effectively-once',
    'upsert by record id',
  ],
  [
    'a gateway with keys, into files',
    { source: gateway(', keys: { required: true }'), sink: lines },
    'at-least-once',
    'after the key has expired',
  ],
  ['a stream by id', { source: log(), sink: documents() }, 'effectively-once', 'upsert by record id'],
  ['a stream into files', { source: log(), sink: lines }, 'at-least-once', 'append a record again under its id'],
  [
    'a count behind a stream',
    { source: log(), steps: '\n  - aggregate: { by: [order], outputs: { c: count() } }', sink: table },
    'at-least-once',
    '`aggregate` counts it twice',
  ],
  [
    'a number given by order of arrival at a stream',
    { source: log(), sink: '{ type: log, config: { stream: b, path: log } }' },
    'at-least-once',
    'sink `out`',
  ],
  [
    'a list that can be another one each time',
    { source: `{ type: http_poll, config: { url: "http://127.0.0.1:1/x" }, schema: ${schema} }`, sink: lines },
    'at-least-once',
    'can change between two polls',
  ],
] satisfies [string, Spec, string, string][])('%s', async (_, spec, label, why) => {
  const { delivery, findings } = await planOf(spec)
  expect(findings ?? []).toEqual([])
  expect(delivery).toMatchObject({ label, weakest: expect.stringContaining(why) })
})

it('a stream is counted correctly where duplicates are removed first, within a reported bound', async () => {
  const steps = '\n  - dedupe: { by: [order], last: 1000 }\n  - aggregate: { by: [n], outputs: { c: count() } }'
  expect((await planOf({ source: log(), steps, sink: table })).delivery).toMatchObject({
    label: 'effectively-once',
    within: ['`dedupe`: repeated records are recognised within the last 1000 records that passed'],
  })
})

it.each([
  [
    'two branches of one source meet under a key',
    { source: csv, steps: branches, from: '[a, b]', sink: documents(', key: order') },
    '`a` and `b` both deliver the records of `source`',
  ],
  [
    'a step makes several of one, and the key does not tell them apart',
    { source: log(), steps: '\n  - explode: { field: items, as: item }', sink: documents(', key: order') },
    '`explode` makes several records from one',
  ],
] satisfies [string, Spec, string][])('%s: refused with its location', async (_, spec, message) => {
  const { findings } = await planOf(spec)
  expect(findings).toEqual([expect.objectContaining({ code: 'same_key', message: expect.stringContaining(message) })])
  expect(findings![0]!.line).toBeGreaterThan(5)
})

it.each([
  ['without a key, where the id names the branch', { source: csv, steps: branches, from: '[a, b]', sink: documents() }],
  [
    'with a key that the branches cannot share: outputs of one route',
    { source: csv, steps: routed, from: '[a, b]', sink: documents(', key: order') },
  ],
  [
    'with a field of the key that tells them apart',
    {
      source: log(),
      steps: '\n  - explode: { field: items, as: item, index: k }',
      sink: documents(', key: [order, k]'),
    },
  ],
] satisfies [string, Spec][])('branches may meet %s', async (_, spec) => {
  const { delivery, findings } = await planOf(spec)
  expect(findings ?? []).toEqual([])
  expect(delivery!.label).toBe('effectively-once')
})
