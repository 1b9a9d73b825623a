/**
 * aws-oltp-olap from the client's file to the warehouse: the wide tables, the two lakes, the staging area, the warehouse
 * and the analysis, each read by means other than ours and compared with what follows from the file; the batch fires by
 * its schedule, and loading again adds nothing.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { flows } from '../flow/flows.ts'
import { askAll } from './duckdb.ts'
import type { Facts } from './facts.ts'
import { type Acceptance, statuses } from './flow.ts'
import { copyOf, keysOf, type Lake } from './lakes.ts'
import { canonical, firstOther, type Multiset, multisetOf } from './multiset.ts'
import { csvLines, inputLines, itemsOf, type Line, lineColumns, type Wide, wideTables } from './retail-input.ts'
import { runAsScheduled } from './scheduled.ts'
import { collect, linesOf, messagesOf, type Place } from './stores.ts'
import { rowsOf } from './warehouse.ts'

const raw: Lake = { bucket: 'batch-process-ecom', path: 'raw/' }
const lake: Lake = { bucket: 'lake-ecom', path: 'lake/' }
const staging: Lake = { bucket: 'staging-bucket-ecom', path: 'staging/' }

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

/** Runs the flow with a file; facts that are not published come from the file. */
export async function acceptFlow5(job: Acceptance, input: string, isReal = true): Promise<Place> {
  const place = await job.place('shop')
  const path = (name: string) => join(job.out, name)
  mkdirSync(job.out, { recursive: true })
  const lines = await inputLines(input, path('input.jsonl'))
  const expected = await multisetOf(lines, path('expected.jsonl'))
  const { streams, collections, ...flow } = flows['aws-oltp-olap']!
  const arriving = {
    ...flow,
    reports: [],
    streams: streams.filter(({ name }) => name.startsWith('event-ingest')),
    collections: collections.filter(({ spec }) => spec === 'oltp.yaml'),
  }
  await job.run('aws-oltp-olap', place, [input], {}, arriving)
  job.facts('ingestion log', await statuses(place), { 'answers of 200': String(lines.length) })
  const messages = await messagesOf(place, 'event-ingest')
  const keyed = messages.filter(
    ({ key, value }) => key === String((value as Line).CustomerID ?? (value as Line).InvoiceNo),
  )
  job.facts(
    'stream',
    { messages: String(messages.length), 'keyed by customer or invoice': String(keyed.length) },
    { messages: String(lines.length), 'keyed by customer or invoice': String(lines.length) },
  )

  const before = await copyOf(place, raw, path('raw-before'))
  const fired = await runAsScheduled(place, 'batch', '2026-03-01T12:00:00Z', '2026-03-02T06:00:00Z')
  job.facts('schedule', { fired: fired.join() }, { fired: '2026-03-02T00:00:00.000Z' })
  const same = (where: string, found: Multiset) =>
    job.facts(
      where,
      { records: String(found.records), 'the same as in the file': firstOther(found, expected) ?? 'yes' },
      { records: String(lines.length), 'the same as in the file': 'yes' },
    )
  same('raw lake, before the batch', await multisetOf(jsonRecords(before), path('raw.jsonl')))
  same('lake of Parquet', await multisetOf(await parquetRecords(place, path('parquet')), path('parquet.jsonl')))
  const staged = await copyOf(place, staging, path('staging'))
  same('staging area', await multisetOf(csvLines(staged, path('staging/lines.json')), path('staging.jsonl')))
  const warehouse = () => multisetOf(rowsOf(place, 'bulkimport', lineColumns), path('warehouse.jsonl'))
  same('warehouse', await warehouse())
  job.facts('raw lake, after the batch', { objects: String((await keysOf(place, raw)).length) }, { objects: '0' })

  const { customer, invoice } = wideTables(lines)
  const database = place.profile === 'aws' ? '' : 'aws-oltp-olap'
  const wide = async (table: string, key: string, of: Wide) => {
    const exported = await job.documents(place, database, table)
    const documents = linesOf<Record<string, unknown>>(exported.path)
    job.facts(`table ${table}`, await wideFacts(documents, key, of), {
      items: String(of.size),
      attributes: String([...of.values()].reduce((sum, item) => sum + Object.keys(item).length, 0)),
      'not as in the file': 'none',
    })
  }
  await wide('customer', 'CustomerID', customer)
  await wide('invoice', 'InvoiceNo', invoice)

  await runAsScheduled(place, 'items', '2026-03-01T12:00:00Z', '2026-03-02T06:00:00Z')
  const purchases = (await job.documents(place, database, 'item-purchases')).path
  const counted = await multisetOf(withoutId(linesOf(purchases)), path('item-purchases.sorted.jsonl'))
  const items = itemsOf(lines)
  const other = firstOther(counted, await multisetOf(items, path('item-purchases.expected.jsonl')))
  job.facts('item-purchases', { 'the same as in the file': other ?? 'yes' }, { 'the same as in the file': 'yes' })
  if (isReal) {
    const stored = await multisetOf(rowsOf(place, 'bulkimport', lineColumns), path('warehouse.jsonl'))
    const records = stored.lines.map((line) => JSON.parse(line) as Line)
    const tables = { customer: path('customer.jsonl'), invoice: path('invoice.jsonl'), purchases }
    job.facts('published', await publishedFacts(records, tables), published)
  }

  // Posted and loaded again: each line is known by its id, and no raw object is left.
  const again = await job.run('aws-oltp-olap', place, [input], {}, arriving)
  await runAsScheduled(place, 'batch', '2026-03-02T12:00:00Z', '2026-03-03T06:00:00Z')
  job.facts(
    'posted and loaded again',
    { 'answered from memory': String(again.balance.posts[0]!.repeated) },
    { 'answered from memory': String(lines.length) },
  )
  same('warehouse, loaded again', await warehouse())
  return place
}

function* jsonRecords(paths: readonly string[]): Generator<object> {
  for (const path of paths) yield* JSON.parse(readFileSync(path, 'utf8')) as object[]
}

async function parquetRecords(place: Place, folder: string): Promise<AsyncIterable<object>> {
  const copies = await copyOf(place, lake, folder)
  const list = copies.map((copy) => `'${copy}'`).join(', ')
  const path = join(folder, 'records.json')
  await askAll(`COPY (SELECT * FROM read_parquet([${list}], hive_partitioning = false)) TO '${path}' (FORMAT json)`)
  return linesOf<object>(path)
}

async function* withoutId(documents: AsyncIterable<object>): AsyncGenerator<object> {
  for await (const { _id, ...rest } of documents as AsyncIterable<Record<string, unknown>>) yield rest
}

/** Compares each item, attribute by attribute, with the one that follows from the file. */
async function wideFacts(documents: AsyncIterable<Record<string, unknown>>, key: string, of: Wide): Promise<Facts> {
  let [items, attributes] = [0, 0]
  const other: string[] = []
  for await (const { _id, [key]: value, ...parts } of documents) {
    items++
    attributes += Object.keys(parts).length
    const expected = of.get(String(value))
    const isSame = String(_id) === String(value) && canonical(parts) === canonical(expected)
    if (!isSame && other.length < 3) other.push(String(value))
  }
  return {
    items: String(items),
    attributes: String(attributes),
    'not as in the file': other.join() || 'none',
  }
}

/** The facts that are published, from what the flow left. */
async function publishedFacts(
  lines: readonly Line[],
  tables: Readonly<Record<'customer' | 'invoice' | 'purchases', string>>,
): Promise<Facts> {
  type Item = Record<string, unknown>
  const attributesOf = ({ _id, CustomerID, InvoiceNo, ...attributes }: Item) => Object.values(attributes)
  const read = async (path: string, id: string) => {
    let [items, attributes, one] = [0, 0, [] as unknown[]]
    for await (const item of linesOf<Item>(path)) {
      items++
      attributes += attributesOf(item).length
      if (item['_id'] === id) one = attributesOf(item)
    }
    return { items: String(items), attributes: String(attributes), one }
  }
  const [customer, invoice] = [await read(tables.customer, '17850'), await read(tables.invoice, '536365')]
  const total = (invoice.one as Line[]).reduce((sum, { Quantity, UnitPrice }) => sum + Quantity * UnitPrice, 0)
  const items = await collect(linesOf<{ StockCode: string; lines: number; pieces: number }>(tables.purchases))
  const most = (of: 'lines' | 'pieces') =>
    items
      .toSorted((a, b) => b[of] - a[of])
      .slice(0, 3)
      .map((item) => `${item.StockCode} ${item[of]}`)
      .join(', ')
  const ofCustomer = lines.filter(({ CustomerID }) => CustomerID === 17850).length
  return {
    records: String(lines.length),
    'without customer': String(lines.filter(({ CustomerID }) => (CustomerID ?? null) === null).length),
    'items of invoice': invoice.items,
    'attributes of invoice': invoice.attributes,
    'items of customer': customer.items,
    'attributes of customer': customer.attributes,
    'most lines': most('lines'),
    'most pieces': most('pieces'),
    'customer 17850': `${customer.one.length} invoices, ${ofCustomer} lines`,
    'invoice 536365': `${invoice.one.length} lines, ${total.toFixed(2)}`,
  }
}
