/**
 * The documented flows, each from its client's file to its store with the real command; with real servers up, on both
 * profiles from the same specs.
 */
import { randomUUID } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { amazonSample, liveUrl, retailSample } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { pageRows } from '../scripts/accept/pages.ts'
import { collect, exportCollection, linesOf, messagesOf, type Place } from '../scripts/accept/stores.ts'
import { flows } from '../scripts/flow/flows.ts'
import { runFlow } from '../scripts/flow/run.ts'

const root = join(import.meta.dirname, '..')
const [kafka, mongodb] = [liveUrl('KAFKA'), liveUrl('MONGODB')]
const [kinesis, dynamodb, s3] = [liveUrl('KINESIS'), liveUrl('DYNAMODB'), liveUrl('S3')]
/** Flows that have the profile `aws`. */
const onAws = ['customer-service', 'document-stream']
const databases: Readonly<Record<string, string>> = {
  'customer-service': 'customer-events',
  'document-stream': 'docstreaming',
  'amazon-products': 'docstreaming',
}
const echoes: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'document-stream': [['ingestion-topic', 'spark-output']],
  'amazon-products': [
    ['ingest-product', 'spark-output-product'],
    ['ingest-category', 'spark-output-category'],
  ],
}

/** Small input files for a flow. */
function inputsOf(name: string): string[] {
  const folder = freshFolder()
  const { products, categories } = amazonSample({ products: 400 })
  const files = name === 'amazon-products' ? [products, categories] : [retailSample({ rows: 600, badDates: 3 })]
  return files.map((bytes, i) => {
    const path = join(folder, `input-${i}.csv`)
    writeFileSync(path, bytes)
    return path
  })
}

/** Every spec, schema and line of millrace.yaml, by path. */
const specsIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    globSync(['*.yaml', 'schemas/*'], { cwd: folder })
      .toSorted()
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  )

/** Runs a flow in a fresh place; returns the contents of its collections, as the text of their exports. */
async function ran(name: string, profile: string, inputs: readonly string[]) {
  const folder = join(freshFolder(), profile)
  mkdirSync(folder)
  const env = {
    KAFKA_BROKER: kafka ?? '',
    MONGODB_URL: mongodb ?? '',
    AWS_ENDPOINT_URL_KINESIS: kinesis ?? '',
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb ?? '',
    AWS_ENDPOINT_URL_S3: s3 ?? '',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    NAME_PREFIX: profile === 'local' ? '' : `test-${randomUUID().slice(0, 8)}-`,
  }
  const place: Place = { profile, folder, env }
  const run = (more: readonly string[] = inputs) =>
    runFlow(name, flows[name]!, { profile, inputs: more, out: folder, env, stopAfterMs: 300_000 })
  const stored = async () => {
    const texts: Record<string, string> = {}
    for (const collection of [...flows[name]!.collections.map((c) => c.name), ...reportsOf(name)]) {
      const path = join(folder, `${collection}.jsonl`)
      await exportCollection(place, databases[name]!, collection, path)
      texts[collection] = readFileSync(path, 'utf8')
    }
    return texts
  }
  return { place, first: await run(), run, stored }
}

const reportsOf = (name: string): string[] =>
  name === 'amazon-products' ? ['price-buckets', 'in-no-price-bucket', 'items-per-category', 'average-price'] : []

type Document = Readonly<Record<string, unknown>>
const documentsIn = (text: string): Document[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Document)
const texts = (document: Document, fields: readonly string[]) =>
  Object.fromEntries(fields.map((field) => [field, document[field] === null ? null : String(document[field])]))
const sorted = <T>(rows: readonly T[]): T[] => rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

/** A customer with several invoices, and one of these, among the lines in a store. */
function chosen(lines: readonly Document[]) {
  const customers = Map.groupBy(
    lines.filter(({ CustomerID }) => CustomerID !== null),
    ({ CustomerID }) => CustomerID,
  )
  const [customer, own] = [...customers].toSorted((a, b) => b[1].length - a[1].length)[0]!
  const invoices = Map.groupBy(own, ({ InvoiceNo }) => String(InvoiceNo))
  const invoice = [...invoices.keys()][0]!
  return { own, invoices, invoice, inputs: { customer: String(customer), invoice } }
}

/** What each flow's pages show is what is stored, counted without them. */
const seePages: Readonly<Record<string, (place: Place, stored: Readonly<Record<string, string>>) => Promise<void>>> = {
  async 'customer-service'(place, stored) {
    const lines = documentsIn(stored['invoice-items']!)
    const { invoices, invoice, inputs } = chosen(lines)
    const [shown, total, shownLines] = await pageRows(place, 'invoices', inputs)
    expect(new Map(shown!.map(({ InvoiceNo, lines: n }) => [InvoiceNo, Number(n)]))).toEqual(
      new Map([...invoices].map(([no, all]) => [no, all.length])),
    )
    const dates = shown!.map(({ InvoiceDate }) => InvoiceDate!)
    expect(dates).toEqual(dates.toSorted().reverse())
    const all = lines.filter(({ InvoiceNo }) => InvoiceNo === invoice)
    const sum = all.reduce(
      (cents, { Quantity, UnitPrice }) => cents + Math.round(Number(Quantity) * Number(UnitPrice) * 100),
      0,
    )
    expect([total![0]!['lines'], Math.round(Number(total![0]!['total']) * 100)]).toEqual([String(all.length), sum])
    const fields = ['StockCode', 'Description', 'Quantity', 'InvoiceDate', 'CustomerID']
    expect(sorted(shownLines!.map((row) => texts(row, fields)))).toEqual(sorted(all.map((row) => texts(row, fields))))
  },
  async 'document-stream'(place, stored) {
    const lines = documentsIn(stored['invoices']!)
    const { own, invoice, inputs } = chosen(lines)
    const [shown, shownLines] = await pageRows(place, 'invoices', inputs)
    const ofCustomer = ['CustomerID', 'InvoiceDate', 'InvoiceNo']
    const ofInvoice = ['Description', 'InvoiceNo', 'Quantity', 'StockCode']
    expect(sorted(shown!)).toEqual(sorted(own.map((row) => texts(row, ofCustomer))))
    expect(sorted(shownLines!.map((row) => texts(row, ofInvoice)))).toEqual(
      sorted(lines.filter(({ InvoiceNo }) => InvoiceNo === invoice).map((row) => texts(row, ofInvoice))),
    )
  },
  async 'amazon-products'(place, stored) {
    const [buckets, , categories] = await pageRows(place, 'reports')
    const counts = (rows: readonly Document[], key: string) =>
      new Map(rows.map((row) => [String(row[key]), String(row['items'])]))
    expect(counts(buckets!, 'to')).toEqual(counts(documentsIn(stored['price-buckets']!), 'upper'))
    // A bar leads to its products: as many as it says.
    const { items, from: above, to } = buckets!.find((row) => Number(row['items']) > 1)!
    expect((await pageRows(place, 'products', { above: above!, up_to: to! }))[1]).toHaveLength(Number(items))
    const named = new Map(documentsIn(stored['category']!).map((each) => [each['category_name'], each['id']]))
    const products = documentsIn(stored['product']!)
    for (const { category_name: name, items: n } of categories!.slice(0, 3))
      expect(Number(n)).toBe(products.filter((each) => String(each['category_id']) === String(named.get(name))).length)
  },
}

/** Flow 5 has a test of its own. */
const posting = Object.keys(flows).filter((name) => flows[name]!.posts.length > 0 && name !== 'aws-oltp-olap')

describe.each(posting)('the flow %s', (name) => {
  const project = join(root, 'pipelines', flows[name]!.folder)

  it('is right on every profile', async () => {
    for (const profile of ['local', 'kafka-mongo', ...(onAws.includes(name) ? ['aws'] : [])]) {
      expect(await pipe(['check', '--profile', profile], project)).toMatchObject({ code: 0, err: '' })
    }
  })

  it('runs to its end, adds up, echoes what it read, and posting all again changes nothing', async () => {
    const inputs = inputsOf(name)
    const { place, first, run, stored } = await ran(name, 'local', inputs)
    expect(first.balance.wrong).toEqual([])
    const before = await stored()
    expect(first.balance.posts[0]).toMatchObject(
      name === 'amazon-products'
        ? { posted: 400, repeated: 0, refused: 0, taken: 400 }
        : { posted: 600, repeated: 0, refused: 3, taken: 597 },
    )
    await seePages[name]!(place, before)
    for (const [stream, echo] of echoes[name] ?? [])
      expect(await messagesOf(place, echo)).toEqual(await messagesOf(place, stream))
    const log = await collect(
      linesOf<{ level: string; event: string; status: number; time: string }>(
        join(place.folder, 'out/ingestion.jsonl'),
      ),
    )
    expect(new Set(log.map(({ level, event, status }) => `${level} ${event} ${status}`))).toEqual(
      new Set(name === 'amazon-products' ? ['info accepted 201'] : ['info accepted 201', 'warn refused 400']),
    )
    const again = await run()
    expect(again.balance.wrong).toEqual([])
    expect(again.balance.posts[0]).toMatchObject({ repeated: first.balance.posts[0]!.taken, taken: 0 })
    expect(await stored()).toEqual(before)
  }, 400_000)

  it.skipIf(!kafka || !mongodb)(
    'leaves the same documents under the same ids on both profiles, from specs that are the same to the byte',
    async () => {
      const inputs = inputsOf(name)
      const [local, servers] = [await ran(name, 'local', inputs), await ran(name, 'kafka-mongo', inputs)]
      expect(specsIn(local.place.folder)).toEqual(specsIn(servers.place.folder))
      for (const [path, text] of Object.entries(specsIn(local.place.folder)))
        expect(readFileSync(join(project, path), 'utf8')).toBe(text)
      expect([local.first.balance.wrong, servers.first.balance.wrong]).toEqual([[], []])
      expect(await servers.stored()).toEqual(await local.stored())
    },
    600_000,
  )

  it.skipIf(!kinesis || !dynamodb || !s3 || !onAws.includes(name))(
    'leaves them on the services of AWS too',
    async () => {
      const inputs = inputsOf(name)
      const [local, aws] = [await ran(name, 'local', inputs), await ran(name, 'aws', inputs)]
      expect(specsIn(aws.place.folder)).toEqual(specsIn(local.place.folder))
      expect([local.first.balance.wrong, aws.first.balance.wrong]).toEqual([[], []])
      // Attributes of an item have no order, and one that an index is for is left out if it is null.
      const documents = (texts: Record<string, string>) =>
        Object.entries(texts).map(([collection, text]) => [
          collection,
          text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line, (_, value: unknown) => value ?? undefined) as unknown),
        ])
      expect(documents(await aws.stored())).toEqual(documents(await local.stored()))
      const again = await aws.run()
      expect(again.balance.wrong).toEqual([])
      expect(documents(await aws.stored())).toEqual(documents(await local.stored()))
    },
    600_000,
  )
})
