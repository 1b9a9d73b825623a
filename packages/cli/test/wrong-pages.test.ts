/** What `pipe check` says of pages that ask for what is not there. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Finding } from '@millrace/core'
import { freshFolder, pipe } from './terminal.ts'

const spec = `version: 1
name: sales
source:
  type: csv
  config: { path: data/sales.csv }
  schema: { fields: { invoice: string, customer: "integer?", quantity: integer, price: number, at: timestamp, note: "json?" } }
steps:
  - id: lines
    from: source
    select: [invoice, customer, quantity, price, at, note]
  - id: days
    aggregate: { by: [invoice, at], outputs: { customers: "count_distinct(customer)", mean: "avg(price)", pieces: "sum(quantity)" } }
sinks:
  all: { from: lines, connection: store, config: { collection: lines, indexes: [[customer]] } }
  per_day: { from: days, connection: store, config: { collection: days } }
  out: { from: lines, connection: lake, config: { path: out/, format: jsonl } }
`

/** The rest of a page after its first three lines: each part replaces one of the good page. */
const good = {
  head: 'version: 1\nname: page\nconnection: store',
  inputs: 'inputs: { customer: { type: integer }, least: { type: "number?" }, range: { type: time_range } }',
  queries: 'queries: { q: { collection: lines, where: "customer == inputs.customer" } }',
  elements: 'elements: [{ table: q }]',
}

const pageOf = (parts: Partial<typeof good>): string => Object.values({ ...good, ...parts }).join('\n')

function project(pages: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}): string {
  const root = freshFolder()
  const all = {
    'millrace.yaml': 'name: shop\nconnections: { store: documents, lake: objects }\n',
    'pipelines/sales.yaml': spec,
    ...Object.fromEntries(Object.entries(pages).map(([name, text]) => [`pages/${name}.yaml`, text])),
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

async function findingsOf(root: string, words: readonly string[] = []): Promise<string[]> {
  const { out } = await pipe(['check', '--json', ...words], root)
  const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] }
  return findings.map(({ file, line, col, code, message }) => `${file}:${line}:${col} ${code}: ${message}`)
}

const inQuery = (rest: string) => ({ queries: `queries: { q: { collection: lines, ${rest} } }` })
const inElement = (rest: string) => ({ elements: `elements: [{ ${rest} }]` })
const days = { queries: 'queries: { q: { collection: days, group: [invoice], outputs: OUTPUTS } }' }
const ofDays = (outputs: string) => ({ queries: days.queries.replace('OUTPUTS', outputs) })

const wrong: readonly (readonly [what: string, parts: Partial<typeof good>, findings: readonly string[]])[] = [
  [
    'a collection',
    { queries: 'queries: { q: { collection: line } }' },
    ['5:29 unknown_collection: there is no collection `line`'],
  ],
  [
    'a connection',
    { head: 'version: 1\nname: page\nconnection: stor' },
    ['3:13 unknown_collection: no pipeline writes a collection to `stor`'],
  ],
  [
    'a collection that is a file',
    { head: 'version: 1\nname: page\nconnection: lake' },
    ['3:13 unknown_collection: no pipeline writes a collection to `lake`'],
  ],
  [
    'a field in a condition',
    inQuery('where: "custmer == inputs.customer"'),
    ['5:44 unknown_field: there is no field custmer'],
  ],
  [
    'an input in a condition',
    inQuery('where: "customer == inputs.custumer"'),
    ['5:63 unknown_input: there is no input `custumer`'],
  ],
  ['inputs of a page without any', { inputs: 'refresh: live' }, ['5:56 unknown_input: there are no inputs']],
  [
    'a comparison of wrong types',
    inQuery('where: "invoice == inputs.customer"'),
    ['5:44 wrong_type: string and integer cannot be compared with =='],
  ],
  [
    'a condition that is no condition',
    inQuery('where: "quantity + 1"'),
    ['5:43 wrong_type: a condition is boolean, not integer'],
  ],
  [
    'a second condition',
    inQuery('where: [quantity > 1, "prize > 2"]'),
    ['5:59 unknown_field: there is no field prize'],
  ],
  ['an unguarded optional', inQuery('set: { twice: "customer * 2" }'), ['5:51 maybe_null: customer may be null here']],
  [
    'an unguarded optional input',
    inQuery('set: { over: "price - inputs.least" }'),
    ['5:58 maybe_null: inputs.least may be null here'],
  ],
  ['a field to group by', inQuery('group: [invoce]'), ['5:44 unknown_field: there is no field `invoce`']],
  ['a group by json', inQuery('group: [note]'), ['5:44 wrong_type: note is json: it cannot be grouped by']],
  [
    'a field that is not aggregated',
    inQuery('group: [invoice], outputs: { total: "quantity * price" }'),
    [
      '5:73 not_aggregated: quantity may differ between the records of a group',
      '5:84 not_aggregated: price may differ between the records of a group',
    ],
  ],
  [
    'a sort after grouping',
    inQuery('group: [invoice], sort: [-price]'),
    ['5:61 unknown_field: there is no field `price`'],
  ],
  [
    'a range of a field that is no time',
    inQuery('within: { quantity: range }'),
    ['5:46 wrong_type: quantity is integer, not a timestamp'],
  ],
  [
    'a range that is none',
    inQuery('within: { at: yesterday }'),
    ['5:50 unknown_input: `yesterday` is neither an input nor a range of time'],
  ],
  [
    'a range by an integer',
    inQuery('within: { at: customer }'),
    ['5:50 wrong_type: the input customer is integer, not a time_range'],
  ],
  [
    'a sum of distinct counts',
    ofDays('{ customers: "sum(customers)" }'),
    ['5:76 sum_of_distinct: customers counts distinct values, so their sum counts some of them several times'],
  ],
  [
    'an average of averages',
    ofDays('{ mean: "round(avg(mean), 2)" }'),
    ['5:77 average_of_averages: mean is an average, so its average weighs groups of different sizes alike'],
  ],
  ['an option of a query', inQuery('wher: "quantity > 1"'), ['5:36 unknown_key: unknown key `wher`']],
  [
    'an unfolded narrow collection',
    inQuery('unfold: true'),
    ['5:44 bad_value: only a collection that is written with `attribute` can be unfolded'],
  ],
  [
    'a look-up without an index',
    inQuery('where: "quantity == inputs.customer"'),
    ['5:43 no_index: no index of lines begins with quantity'],
  ],
  ['a query in an element', inElement('table: quer'), ['6:21 unknown_query: there is no query `quer`']],
  ['an element', inElement('tabel: q'), ['6:14 unknown_key: unknown key `tabel`']],
  [
    'two elements in one',
    inElement('table: q, bar: q, x: invoice, y: price'),
    ['6:24 bad_value: an element is one thing: `table` or `bar`'],
  ],
  ['a column', inElement('table: q, columns: [invoice, prise]'), ['6:43 unknown_field: there is no field `prise`']],
  [
    'a y that is no number',
    inElement('bar: q, x: invoice, y: [price, invoice]'),
    ['6:45 wrong_type: invoice is string, and only numbers can be drawn'],
  ],
  ['a line without a y', inElement('line: q, x: at'), ['6:12 missing_key: `y` is missing']],
  [
    'an option of another element',
    inElement('table: q, top: 3'),
    ['6:24 unknown_key: `top` has no meaning for a table'],
  ],
  [
    'a bound that is no number',
    inElement('histogram: q, bin: [price, invoice], y: quantity'),
    ['6:41 wrong_type: the upper bound is string, and only numbers can be drawn'],
  ],
  [
    'a page in a link',
    inElement('bar: q, x: invoice, y: price, link: { page: pag, customer: customer }'),
    ['6:58 unknown_page: there is no page `pag`'],
  ],
  [
    'an input in a link',
    inElement('table: q, links: { invoice: { invoice: invoice } }'),
    ['6:44 unknown_input: the page `page` has no input `invoice`'],
  ],
  [
    'a type in a link',
    inElement('table: q, links: { invoice: { customer: invoice } }'),
    ['6:54 wrong_type: the input customer is integer'],
  ],
  [
    'an input in a title',
    inElement('table: q, title: "Customer ${input:custom}"'),
    ['6:41 unknown_input: there is no input `custom`'],
  ],
  [
    'a query that nothing shows',
    { queries: `${good.queries.slice(0, -1)}, r: { from: q } }` },
    ['5:77 unused_query: no element shows the query `r`'],
  ],
  [
    'a circle',
    { queries: 'queries: { q: { from: r }, r: { from: q } }' },
    ['5:39 bad_value: queries read each other in a circle'],
  ],
  [
    'the type of an input',
    { inputs: 'inputs: { customer: { type: int } }' },
    ['4:29 wrong_type: there is no type `int` of inputs', '5:56 unknown_input: there are no inputs'],
  ],
  [
    'a default of another type',
    { inputs: 'inputs: { customer: { type: integer, default: many } }' },
    ['4:47 wrong_type: "many" is not a whole number'],
  ],
  [
    'a page without a name',
    { head: 'version: 1\nconnection: store\ntitle: Page' },
    ['1:1 missing_key: `name` is missing'],
  ],
]

describe('a wrong page', () => {
  test('none: a page that is right has no findings', async () => {
    expect(await findingsOf(project({ page: pageOf({}) }))).toEqual([])
  })

  test.each(wrong)('%s', async (_what, parts, findings) => {
    expect(await findingsOf(project({ page: pageOf(parts) }))).toEqual(
      findings.map((each) => `pages/page.yaml:${each}`),
    )
  })
})
