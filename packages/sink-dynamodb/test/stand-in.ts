/** Tables on the stand-in (or on AWS), read by the SDK alone. */
import { randomUUID } from 'node:crypto'
import {
  type AttributeValue,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  paginateListTables,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import { batch, type OpenContext, type Query, Records, type RecordType, type Row, type Sink } from '@millrace/core'
import { afterAll, afterEach } from 'vitest'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'

export type Item = Record<string, AttributeValue>
const [definition] = definitions
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

export const resolved = (options: Partial<Options>): Options =>
  ({
    region: 'us-east-1',
    credentials: { access_key_id: 'test', secret_access_key: 'test' },
    write: 'upsert',
    nulls: 'write',
    table_prefix: `t${randomUUID().slice(0, 8)}-`,
    ...options,
  }) as Options

/** Everything of one endpoint; closed, and its tables deleted, at the end. */
export function standInAt(endpoint: string) {
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials })
  const prefixes = new Set<string>()
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })
  afterAll(async () => {
    for await (const { TableNames } of paginateListTables({ client }, {}))
      for (const TableName of TableNames ?? [])
        if ([...prefixes].some((prefix) => TableName.startsWith(prefix)))
          await client.send(new DeleteTableCommand({ TableName }))
    client.destroy()
  })
  const make = (options: Partial<Options> & { readonly collection: string }): Options => {
    const made = resolved({ endpoint, ...options })
    prefixes.add(made.table_prefix)
    return made
  }
  return {
    client,
    options: make,
    defer: (cleanup: () => unknown) => cleanups.push(cleanup),
    describe: async (TableName: string) => (await client.send(new DescribeTableCommand({ TableName }))).Table!,
    /** Every item, as it is stored. */
    async items(TableName: string): Promise<Item[]> {
      const found: Item[] = []
      for await (const { Items } of paginateScan({ client }, { TableName, ConsistentRead: true }))
        found.push(...(Items ?? []))
      return found
    },
    /** A sink, opened; closed at the end of the test. */
    async open(options: Options, schema: RecordType, warnings: string[] = []): Promise<Sink> {
      const sink = definition!.create(options, { ...env, schema })
      cleanups.push(() => sink.close?.())
      await sink.open!({ ...openContext(), warn: (message) => warnings.push(message) })
      return sink
    },
    async query(options: Options, query: Query): Promise<Row[]> {
      const rows: Row[] = []
      for await (const row of definition!.query!(options, env, query, new AbortController().signal)) rows.push(row)
      return rows
    },
  }
}

export const env = {
  root: '/',
  home: '/',
  profile: 'live',
  pipeline: 'p',
  id: 'out',
  resolve: (path: string) => path,
}
const openContext = (): OpenContext => ({
  signal: new AbortController().signal,
  incarnation: 1,
  start: 'test',
  instance: { i: 0, n: 1 },
  warn: () => {},
})
export const writing = { signal: new AbortController().signal, epoch: 1 }

/** Rows as records at the positions `at`, `at + 1`, ... */
export const records = (rows: readonly Row[], at = 0): Records =>
  new Records({
    rows,
    from: [{ source: 'in', batch: batch({ split: 's', rows, positionAt: (i) => at + i }) }],
    pipeline: 'p',
  })
