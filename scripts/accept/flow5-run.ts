/**
 * Runs aws-oltp-olap from the client's file to the warehouse, the batch by its schedule, and reads what it left in each
 * store by means other than ours, as sorted JSON lines in the acceptance's folder.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { flows } from '../flow/flows.ts'
import type { FlowRun } from '../flow/run.ts'
import { askAll } from './duckdb.ts'
import type { Acceptance } from './flow.ts'
import { copyOf, keysOf, type Lake } from './lakes.ts'
import { type Multiset, multisetOf } from './multiset.ts'
import { retailColumns } from '@millrace/testkit'
import { csvLines } from './retail-input.ts'
import { runAsScheduled } from './scheduled.ts'
import { linesOf, messagesOf, type Place } from './stores.ts'
import { rowsOf } from './warehouse.ts'

const raw: Lake = { bucket: 'batch-process-ecom', path: 'raw/' }
const lake: Lake = { bucket: 'lake-ecom', path: 'lake/' }
const staging: Lake = { bucket: 'staging-bucket-ecom', path: 'staging/' }

/** What a run of the flow left. */
export interface Flow5 {
  readonly place: Place
  /** When the batch fired. */
  readonly fired: readonly string[]
  /** Objects of the raw lake after the batch. */
  readonly rawLeft: number
  /** By name, and where it was exported: `<out>/<name>.jsonl`. The raw lake is that before the batch. */
  readonly stores: Readonly<Record<string, Multiset>>
  /** Posts the same file and runs the batch of the next day; what the warehouse holds then. */
  again(): Promise<{ readonly run: FlowRun; readonly warehouse: Multiset }>
}

const { streams, collections, ...flow } = flows['aws-oltp-olap']!
/** The flow up to the wide tables and lakes. */
const arriving = {
  ...flow,
  reports: [],
  streams: streams.filter(({ name }) => name.startsWith('event-ingest')),
  collections: collections.filter(({ spec }) => spec === 'oltp.yaml'),
}

/** Runs the flow in a fresh place. */
export async function runFlow5(job: Acceptance, input: string): Promise<Flow5> {
  const place = await job.place('shop')
  const path = (name: string) => join(job.out, name)
  const kept = (name: string, records: AsyncIterable<object> | Iterable<object>) =>
    multisetOf(records, path(`${name}.jsonl`))
  mkdirSync(job.out, { recursive: true })
  await job.run('aws-oltp-olap', place, [input], {}, arriving)
  const messages = (await messagesOf(place, 'event-ingest')).map(({ key, id, value }) => ({ key, id, value }))

  const before = await copyOf(place, raw, path('raw-before'))
  const fired = await runAsScheduled(place, 'batch', '2026-03-01T12:00:00Z', '2026-03-02T06:00:00Z')
  const rawLeft = (await keysOf(place, raw)).length
  await runAsScheduled(place, 'items', '2026-03-01T12:00:00Z', '2026-03-02T06:00:00Z')

  const staged = await copyOf(place, staging, path('staging'))
  const warehouse = () => kept('warehouse', rowsOf(place, 'bulkimport', retailColumns))
  const documents = async (collection: string) => {
    const database = place.profile === 'aws' ? '' : 'aws-oltp-olap'
    return kept(collection, linesOf((await job.documents(place, database, collection, `${collection}.exported`)).path))
  }
  return {
    place,
    fired,
    rawLeft,
    stores: {
      'event-ingest': await kept('event-ingest', messages),
      raw: await kept('raw', jsonRecords(before)),
      parquet: await kept('parquet', await parquetRecords(await copyOf(place, lake, path('parquet')), path('parquet'))),
      staging: await kept('staging', csvLines(staged, path('staging/lines.json'))),
      warehouse: await warehouse(),
      customer: await documents('customer'),
      invoice: await documents('invoice'),
      'item-purchases': await documents('item-purchases'),
    },
    async again() {
      const run = await job.run('aws-oltp-olap', place, [input], {}, arriving)
      await runAsScheduled(place, 'batch', '2026-03-02T12:00:00Z', '2026-03-03T06:00:00Z')
      return { run, warehouse: await warehouse() }
    },
  }
}

function* jsonRecords(paths: readonly string[]): Generator<object> {
  for (const path of paths) yield* JSON.parse(readFileSync(path, 'utf8')) as object[]
}

async function parquetRecords(paths: readonly string[], folder: string): Promise<AsyncIterable<object>> {
  const list = paths.map((path) => `'${path}'`).join(', ')
  const path = join(folder, 'records.json')
  await askAll(`COPY (SELECT * FROM read_parquet([${list}], hive_partitioning = false)) TO '${path}' (FORMAT json)`)
  return linesOf<object>(path)
}
