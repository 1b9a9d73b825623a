/**
 * aws-oltp-olap: the wide tables, both lakes, the staging area, the warehouse and the analysis are what follows from
 * the client's file; the batch fires by its schedule and empties the raw lake; posting and loading again adds nothing.
 */
import { join } from 'node:path'
import type { Facts } from './facts.ts'
import { type Acceptance, statuses } from './flow.ts'
import { deskFacts, knownDesk, pageRows } from './pages.ts'
import { runFlow5 } from './flow5-run.ts'
import { firstOther, type Multiset, multisetOf } from './multiset.ts'
import { inputLines, itemsOf, type Line, type Wide, wideTables } from './retail-input.ts'

/** What is published about the real file. */
export const published: Facts = {
  records: '541909',
  'without customer': '135080',
  'items of invoice': '25900',
  'attributes of invoice': '531225',
  'items of customer': '4372',
  'attributes of customer': '22190',
  'most lines': '85123A 2313, 22423 2203, 85099B 2159',
  'most pieces': '22197 56450, 84077 53847, 85099B 47363',
  'customer 17850': '35 invoices, 312 lines',
  'invoice 536365': '7 lines, 139.12',
}

/** Runs the flow with a file. `isReal`: the published facts must hold as well. */
export async function acceptFlow5(job: Acceptance, input: string, isReal = true): Promise<void> {
  const path = (name: string) => join(job.out, name)
  const lines = await inputLines(input, path('input.jsonl'))
  const expected = await multisetOf(lines, path('expected.jsonl'))
  const { place, stores, fired, rawLeft, again } = await runFlow5(job, input)
  job.facts('ingestion log', await statuses(place), { 'answers of 200': String(lines.length) })
  job.facts('schedule', { fired: fired.join() }, { fired: '2026-03-02T00:00:00.000Z' })
  const same = (where: string, found: Multiset, like = expected) =>
    job.facts(
      where,
      { records: String(found.records), 'the same as in the file': firstOther(found, like) ?? 'yes' },
      { records: String(like.records), 'the same as in the file': 'yes' },
    )
  same('raw lake, before the batch', stores['raw']!)
  same('lake of Parquet', stores['parquet']!)
  same('staging area', stores['staging']!)
  same('warehouse', stores['warehouse']!)
  job.facts('raw lake, after the batch', { objects: String(rawLeft) }, { objects: '0' })

  const messages = recordsOf<{ key: string; value: Line }>(stores['event-ingest']!)
  const keyed = messages.filter(({ key, value }) => key === String(value.CustomerID ?? value.InvoiceNo)).length
  job.facts(
    'stream',
    { 'keyed by customer or invoice': String(keyed) },
    { 'keyed by customer or invoice': String(lines.length) },
  )
  const { customer, invoice } = wideTables(lines)
  same(
    'table customer',
    stores['customer']!,
    await multisetOf(itemsIn(customer, 'CustomerID', Number), path('customer.expected.jsonl')),
  )
  same(
    'table invoice',
    stores['invoice']!,
    await multisetOf(itemsIn(invoice, 'InvoiceNo', String), path('invoice.expected.jsonl')),
  )
  const items = itemsOf(lines).map((item) => ({ _id: item.StockCode, ...item }))
  same('item-purchases', stores['item-purchases']!, await multisetOf(items, path('item-purchases.expected.jsonl')))
  if (isReal) {
    job.facts('published', publishedFacts(stores), published)
    job.facts('page', await deskFacts(place, 'customer'), knownDesk)
  }
  const [byLines, byPieces] = await pageRows(place, 'items')
  job.facts(
    'page of items',
    { 'most lines': String(byLines![0]?.['lines']), 'most pieces': String(byPieces![0]?.['pieces']) },
    { 'most lines': most(items, 'lines'), 'most pieces': most(items, 'pieces') },
  )

  const { run, warehouse } = await again()
  const repeated = String(run.balance.posts[0]!.repeated)
  job.facts('posted again', { 'answered from memory': repeated }, { 'answered from memory': String(lines.length) })
  same('warehouse, loaded again', warehouse)
}

const most = <K extends string>(rows: readonly Readonly<Record<K, number>>[], of: K): string =>
  String(rows.reduce((highest, row) => Math.max(highest, row[of]), Number.NEGATIVE_INFINITY))

const recordsOf = <T>({ lines }: Multiset): T[] => lines.map((line) => JSON.parse(line) as T)

/** The items of a wide table as documents. */
const itemsIn = (table: Wide, key: string, value: (text: string) => unknown): object[] =>
  [...table].map(([id, attributes]) => ({ _id: id, [key]: value(id), ...attributes }))

/** The facts that are published, from what the flow left. */
function publishedFacts(stores: Readonly<Record<string, Multiset>>): Facts {
  type Item = Record<string, unknown>
  const attributesOf = ({ _id, CustomerID, InvoiceNo, ...attributes }: Item) => Object.values(attributes)
  const read = (store: string, id: string) => {
    const items = recordsOf<Item>(stores[store]!)
    return {
      items: String(items.length),
      attributes: String(items.reduce((sum, item) => sum + attributesOf(item).length, 0)),
      one: items.filter(({ _id }) => _id === id).flatMap(attributesOf),
    }
  }
  const [customer, invoice] = [read('customer', '17850'), read('invoice', '536365')]
  const lines = recordsOf<Line>(stores['warehouse']!)
  const total = (invoice.one as Line[]).reduce((sum, { Quantity, UnitPrice }) => sum + Quantity * UnitPrice, 0)
  const items = recordsOf<{ StockCode: string; lines: number; pieces: number }>(stores['item-purchases']!)
  const first = (of: 'lines' | 'pieces') =>
    items
      .toSorted((a, b) => b[of] - a[of])
      .slice(0, 3)
      .map((item) => `${item.StockCode} ${item[of]}`)
      .join(', ')
  const ofCustomer = lines.filter(({ CustomerID }) => CustomerID === 17850).length
  return {
    records: String(lines.length),
    'without customer': String(lines.filter(({ CustomerID }) => CustomerID === undefined).length),
    'items of invoice': invoice.items,
    'attributes of invoice': invoice.attributes,
    'items of customer': customer.items,
    'attributes of customer': customer.attributes,
    'most lines': first('lines'),
    'most pieces': first('pieces'),
    'customer 17850': `${customer.one.length} invoices, ${ofCustomer} lines`,
    'invoice 536365': `${invoice.one.length} lines, ${total.toFixed(2)}`,
  }
}
