/**
 * amazon-products: its first 1,166 rows and then all of the real ones, with every known answer of the reports; posting
 * everything again changes nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Facts } from './facts.ts'
import { type Acceptance, statuses } from './flow.ts'
import { collect, linesOf, messagesOf, type Place } from './stores.ts'

const firstRows = 1166
const collections = [
  'product',
  'category',
  'price-buckets',
  'in-no-price-bucket',
  'items-per-category',
  'average-price',
]

export async function acceptFlow3(job: Acceptance): Promise<void> {
  const categories = join(job.data, 'amazon-categories.csv')
  mkdirSync(job.out, { recursive: true })
  const head = join(job.out, 'first-products.csv')
  // No field in the file contains a line break.
  const text = gunzipSync(readFileSync(join(job.data, 'amazon-products.csv.gz'))).toString('utf8')
  writeFileSync(head, `${text.split('\n', firstRows + 1).join('\n')}\n`)
  const first = await job.place('first')
  await job.run('amazon-products', first, [head, categories])
  await exportAll(job, first, 'first-')
  job.facts('first 1,166', await reported(job, 'first-'), {
    products: '1166',
    '15-20': '191',
    '5-10': '133',
    '10-15': '126',
    '20-25': '81',
    '25-30': '80',
    'in buckets': '1091',
    'in no bucket': '75',
  })

  const all = await job.place('all')
  const input = [join(job.data, 'amazon-products.csv.gz'), categories]
  await job.run('amazon-products', all, input)
  job.facts('ingestion log', await statuses(all), { 'answers of 201': String(21_062 + 248) })
  const before = await exportAll(job, all)
  job.facts('all 21,062', await reported(job), {
    products: '21062',
    categories: '248',
    '5-10': '3651',
    '15-20': '3347',
    '10-15': '3314',
    '20-25': '1764',
    '25-30': '1717',
    '35-40': '1011',
    'in buckets': '20171',
    'in no bucket': '891',
    'price unknown': '459',
    'categories in use': '243',
    'items of Suitcases': '507',
    "items of Girls' Clothing": '411',
    "items of Boys' Clothing": '340',
    'average price of Suitcases': '165.5732 over 500',
    "average price of Girls' Clothing": '25.8908 over 405',
    'best sellers': '111',
    'products with stars': '21062',
    date: '31-12-2023 00:00:00',
  })
  for (const [stream, echo] of [
    ['ingest-product', 'spark-output-product'],
    ['ingest-category', 'spark-output-category'],
  ] as const) {
    const [read, echoed] = [await messagesOf(all, stream), await messagesOf(all, echo)]
    const texts = (messages: typeof read) =>
      messages.map(({ key, id, value }) => JSON.stringify([key, id, value])).toSorted()
    const [a, b] = [texts(read), texts(echoed)]
    const differ = a.reduce((n, line, i) => n + (line === b[i] ? 0 : 1), Math.abs(a.length - b.length))
    job.facts(echo, { 'differ from what was read': String(differ) }, { 'differ from what was read': '0' })
  }

  await job.run('amazon-products', all, input)
  job.facts('posted again', await exportAll(job, all), before)
}

/** The SHA-256 of each collection's export. */
async function exportAll(job: Acceptance, place: Place, prefix = ''): Promise<Facts> {
  const hashes: [string, string][] = []
  for (const name of collections)
    hashes.push([name, (await job.documents(place, 'docstreaming', name, `${prefix}${name}`)).sha256])
  return Object.fromEntries(hashes)
}

interface Product {
  readonly isBestSeller: boolean
  readonly stars?: number
  readonly date: string
}

/** The answers of the reports, and the counts in the products themselves. */
async function reported(job: Acceptance, prefix = ''): Promise<Facts> {
  const read = <T>(name: string) => collect(linesOf<T>(join(job.out, `${prefix}${name}.jsonl`)))
  const buckets = await read<{ bucket: string; items: number }>('price-buckets')
  const others = await read<{ reason: string; items: number }>('in-no-price-bucket')
  const items = await read<{ category_name: string; items: number }>('items-per-category')
  const averages = await read<{ category_name: string; average_price: number; items: number }>('average-price')
  const products = await read<Product>('product')
  const sum = (rows: readonly { items: number }[]) => String(rows.reduce((total, row) => total + row.items, 0))
  return {
    products: String(products.length),
    categories: String((await read('category')).length),
    ...Object.fromEntries(buckets.map(({ bucket, items: n }) => [bucket, String(n)])),
    'in buckets': sum(buckets),
    'in no bucket': sum(others),
    ...Object.fromEntries(others.map(({ reason, items: n }) => [reason, String(n)])),
    'categories in use': String(items.length),
    ...Object.fromEntries(items.map(({ category_name, items: n }) => [`items of ${category_name}`, String(n)])),
    ...Object.fromEntries(
      averages.map((row) => [
        `average price of ${row.category_name}`,
        `${row.average_price.toFixed(4)} over ${row.items}`,
      ]),
    ),
    'best sellers': String(products.filter((product) => product.isBestSeller).length),
    'products with stars': String(products.filter((product) => typeof product.stars === 'number').length),
    date: [...new Set(products.map((product) => product.date))].join(', '),
  }
}
