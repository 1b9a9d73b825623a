/**
 * Every example of the README is checked and run, over rows of its schema, in a project with the files that it names.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  check,
  defineSink,
  defineSource,
  option,
  readProject,
  type Registered,
  registryOf,
  type Row,
  run,
} from '@millrace/core'
import { memorySink, memorySource } from '@millrace/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import steps from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
/** Fenced blocks: the file that the block shows, its language, its text, and the heading above. */
const blocks = [...readme.matchAll(/^(?:<!-- file (.*) -->\n)?```(\w+)\n([\s\S]*?)^```$/gm)].map((found) => ({
  file: found[1],
  language: found[2]!,
  text: found[3]!,
  heading: [...readme.slice(0, found.index).matchAll(/^## (.*)$/gm)].at(-1)?.[1] ?? '',
}))
const examples = blocks.filter(({ language, file }) => language === 'yaml' && !file)

const line = (InvoiceNo: string, Quantity: number, more: Row = {}): Row => ({
  InvoiceNo,
  StockCode: '85123A',
  Description: 'HOLDER',
  Quantity,
  InvoiceDate: '12/1/2010 8:26',
  UnitPrice: 2.5,
  CustomerID: 17850,
  Country: 'France',
  tags: [],
  ...more,
})
const lines = [
  line('536365', 6, { tags: ['red', 'new'] }),
  line('C536379', -1, { CustomerID: null, Country: null }),
  line('536370', 120, { InvoiceDate: '12/2/2010 9:05' }),
  line('536370', 120, { InvoiceDate: '12/2/2010 9:05' }),
]
const files: Record<string, readonly Row[]> = {
  'data/lines.csv': lines,
  'data/countries.csv': [{ name: 'France', iso: 'FR', continent: null }],
}

/** In-memory connectors under the names that the examples use. */
function registry(written: Map<string, Row[]>) {
  const config = option.object({ path: option.path('Which rows.') })
  const capabilities = () => ({ bounded: true, replayable: true, lanes: 'split' }) as const
  const csv = defineSource({
    kind: 'source',
    type: 'csv',
    summary: 'rows',
    options: config,
    capabilities,
    create: ({ path }) => memorySource(files[path]!),
  })
  const screen = defineSink({
    kind: 'sink',
    type: 'console',
    summary: 'rows',
    options: option.object({}),
    capabilities: () => ({ label: 'effectively-once', how: 'by record id' }),
    create: (_, { id }) =>
      memorySink(new Map(), { onWrite: (_, rows) => void written.set(id, [...(written.get(id) ?? []), ...rows]) }),
  })
  const documents = defineSink({
    kind: 'sink',
    type: 'sqlite',
    summary: 'rows by key',
    options: option.object({ collection: option.text('Where the rows are kept.') }),
    capabilities: () => ({ label: 'effectively-once', how: 'by record id', key: 'record_id', keyed: true }),
    create: (_, { id }) =>
      memorySink(new Map(), { onWrite: (_, rows) => void written.set(id, [...(written.get(id) ?? []), ...rows]) }),
  })
  return registryOf(
    [csv, screen, documents, ...steps].map((definition): Registered => ({ definition, package: 'test' })),
  )
}

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-readme-'))
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(root, 'node_modules'))
  for (const { file, text } of blocks) {
    if (!file) continue
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), text)
  }
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function runExample(text: string, n: number) {
  const spec = join(root, `example-${n}.yaml`)
  const source = 'source: { type: csv, config: { path: data/lines.csv }, schema: ./schemas/line.yaml }\n'
  const sinks = 'sinks: { out: { type: console } }\n'
  const parts = [
    `version: 1\nname: example-${n}\n`,
    /^sources:/m.test(text) ? '' : source,
    text,
    /^sinks:/m.test(text) ? '' : sinks,
  ]
  writeFileSync(spec, parts.join(''))
  const written = new Map<string, Row[]>()
  const known = registry(written)
  const { findings, plan } = check(await readProject({ spec, root }), known)
  expect(findings).toEqual([])
  const summary = await run(plan!, known, { root, home: join(root, '.millrace', 'local'), secrets: () => undefined })
  expect(summary).toMatchObject({ ended: true, imbalances: [] })
  return Object.fromEntries(written)
}

/** The contents of the sinks after each example, in the order of the README; for most, the fields that matter. */
const expected: readonly Readonly<Record<string, readonly Row[]>>[] = [
  {
    out: ['2010-12-01 08:26:00', '2010-12-01 08:26:00', '2010-12-02 09:05:00', '2010-12-02 09:05:00'].map(
      (InvoiceDate) => ({ InvoiceDate }),
    ),
  },
  { out: [{ InvoiceDate: Date.UTC(2010, 11, 1, 8, 26) }, {}, {}, {}] },
  {
    out: [
      { InvoiceNo: '536365', StockCode: '85123A', Quantity: 6, country: 'France', customer: 17850 },
      { customer: null },
      {},
      {},
    ],
  },
  {
    out: [
      { total: 15, country: 'FRANCE', channel: 'retail', since: '2010-12-01' },
      { total: -2.5, country: 'UNKNOWN' },
      {},
      {},
    ],
  },
  { out: [{ InvoiceNo: '536365' }, {}, {}, {}] },
  { out: [lines[0]!, lines[2]!, lines[3]!] },
  { credit_notes: [lines[1]!], large: [lines[2]!, lines[3]!], others: [lines[0]!] },
  { out: [{ Quantity: '6.00', CustomerID: '17850', InvoiceDate: '2010-12-01' }, { CustomerID: null }, {}, {}] },
  { out: [{ Country: 'France' }, { Country: 'unknown', CustomerID: 0 }, {}, {}] },
  { out: lines.slice(0, 3) },
  { out: lines },
  {
    out: [
      { InvoiceNo: '536365', tag: 'red', tag_no: 0 },
      { tag: 'new', tag_no: 1 },
    ],
  },
  { out: [{ item: { StockCode: '85123A', text: 'HOLDER' }, price: { UnitPrice: 2.5 } }, {}, {}, {}] },
  { out: [{ country_code: 'FR' }, { country_code: null }, {}, {}] },
  { out: [{ iso: 'FR' }, { InvoiceNo: '536370' }, {}] },
  {
    out: [
      { InvoiceNo: '536365', price: '2.50', bulk: false },
      { InvoiceNo: '536370', price: '2.25', bulk: true },
      { InvoiceNo: '536370', price: '2.25', bulk: true },
    ],
  },
  {
    out: [
      { Country: 'France', lines: 3, pieces: 246, revenue: 615, average: 2.5 },
      { Country: null, lines: 1 },
    ],
  },
  {
    customers: [
      { CustomerID: 17850, lines: 3, revenue: 615 },
      { CustomerID: null, lines: 1 },
    ],
  },
]

describe('the README', () => {
  it.each(examples.map(({ heading, text }, n) => [heading, n, text] as const))(
    'has an example of %s (%i) that does what it says',
    async (_, n, text) => {
      expect(await runExample(text, n)).toMatchObject(expected[n]!)
    },
  )

  it('has an example of every step', () => {
    const headings = new Set(examples.map(({ heading }) => heading))
    expect(steps.map(({ type }) => type).filter((type) => !headings.has(type))).toEqual([])
    expect(examples.length).toBe(expected.length)
  })
})
