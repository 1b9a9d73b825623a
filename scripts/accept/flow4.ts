/**
 * ecommerce-website with a pinned seed and clock: each analysis equals the table that DuckDB makes of the same events,
 * read from the streams by other means than ours; analysing them again leaves the same documents.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { askAll } from './duckdb.ts'
import type { Acceptance } from './flow.ts'
import { messagesOf } from './stores.ts'

const pinned = { seed: '7', clock: '2026-03-01T12:34:56.789Z', turns: '400' }

/** By collection: its rows as DuckDB computes them. Windows of processing time all have the hour of the run. */
const analyses: Readonly<Record<string, (stream: (name: string) => string) => string>> = {
  customer_analysis: (stream) => `
    SELECT gender, strftime(date_trunc('day', moment), '%Y-%m-%dT%H:%M:%S.000Z') AS window_start,
      count(*)::INTEGER AS total_customers, strftime(max(last_login::TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ') AS last_activity
    FROM (SELECT *, last_login::TIMESTAMP AS moment FROM ${stream('customers')}) GROUP BY ALL`,
  product_analysis: (stream) => `
    SELECT category, avg(price) AS average_price, sum(stock_quantity)::INTEGER AS total_stock
    FROM ${stream('products')} GROUP BY ALL`,
  sales_analysis: (stream) => `
    SELECT product_id, count(*)::INTEGER AS number_of_sales, sum(quantity)::INTEGER AS total_quantity_sold,
      count(DISTINCT customer_id)::INTEGER AS unique_customers
    FROM ${stream('transactions')} GROUP BY ALL`,
  product_views_analysis: (stream) => `
    SELECT product_id, strftime(date_trunc('hour', timestamp::TIMESTAMP), '%Y-%m-%dT%H:%M:%S.000Z') AS window_start,
      count(*)::INTEGER AS total_views, avg(view_duration) AS average_view_duration
    FROM ${stream('product_views')} GROUP BY ALL`,
  interaction_analysis: (stream) => `
    SELECT interaction_type, strftime(date_trunc('hour', timestamp::TIMESTAMP), '%Y-%m-%dT%H:%M:%S.000Z') AS window_start,
      count(*)::INTEGER AS total_interactions, count(DISTINCT customer_id)::INTEGER AS unique_users_interacted
    FROM ${stream('user_interactions')} GROUP BY ALL`,
}

/** A document as the query sees it. */
function rowOf(document: Record<string, unknown>, columns: readonly string[]): Record<string, unknown> {
  const { window, ...rest } = document as { window?: { start: string } }
  const all: Record<string, unknown> = window ? { ...rest, window_start: window.start } : rest
  return Object.fromEntries(
    columns.map((name) => [name, name.startsWith('average') ? Number(all[name]) : all[name]] as const),
  )
}

/** Sorted lines, numbers to 12 digits: sums of doubles may differ in their last ones. */
const sorted = (rows: readonly Record<string, unknown>[]): string =>
  rows
    .map((row) =>
      JSON.stringify(row, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value)),
    )
    .sort()
    .join('\n')

export async function acceptFlow4(job: Acceptance): Promise<void> {
  const place = await job.place('shop')
  // Windows of processing time end with the hour.
  await untilHourHasRoom()
  await job.run('ecommerce-website', place, [], pinned)
  mkdirSync(job.out, { recursive: true })
  const stream = (name: string) => `read_json('${join(job.out, `${name}.jsonl`)}', format = 'newline_delimited')`
  for (const name of ['customers', 'products', 'transactions', 'product_views', 'user_interactions', 'system_logs']) {
    const lines = (await messagesOf(place, name)).map(({ value }) => `${JSON.stringify(value)}\n`)
    writeFileSync(join(job.out, `${name}.jsonl`), lines.join(''))
  }
  const exported = new Map<string, string>()
  for (const [collection, query] of Object.entries(analyses)) {
    const { path, sha256 } = await job.documents(place, 'ecommerce_website', collection)
    exported.set(collection, sha256)
    const expected = (await askAll(query(stream))).map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, name.startsWith('average') ? Number(value) : value]),
      ),
    )
    const documents = readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const columns = Object.keys(expected[0] ?? {})
    const [ours, theirs] = [sorted(documents.map((document) => rowOf(document, columns))), sorted(expected)]
    job.facts(
      collection,
      {
        documents: String(documents.length),
        'equals the query': ours === theirs ? 'yes' : `no: ${firstOther(ours, theirs)}`,
      },
      { documents: String(expected.length), 'equals the query': 'yes' },
    )
  }
  // The same events again, under the same ids.
  await job.run('ecommerce-website', place, [], pinned)
  const again: Record<string, string> = {}
  for (const collection of exported.keys())
    again[collection] =
      (await job.documents(place, 'ecommerce_website', collection, `${collection}-again`)).sha256 ===
      exported.get(collection)
        ? 'the same'
        : 'OTHER DOCUMENTS'
  job.facts('run twice', again, Object.fromEntries([...exported.keys()].map((name) => [name, 'the same'])))
}

function firstOther(ours: string, theirs: string): string {
  const [a, b] = [ours.split('\n'), theirs.split('\n')]
  const at = a.findIndex((line, i) => line !== b[i])
  return `${a[at]} instead of ${b[at]}`
}

/** Waits until a few minutes of the hour are left. */
async function untilHourHasRoom(): Promise<void> {
  const left = () => 3_600_000 - (Date.now() % 3_600_000)
  while (left() < 30_000) await new Promise((resolve) => setTimeout(resolve, left() + 100))
}
