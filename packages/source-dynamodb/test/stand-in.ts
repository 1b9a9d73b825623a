/** Tables on the stand-in (or on AWS), made and filled by the SDK alone. */
import { randomUUID } from 'node:crypto'
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import {
  type Batch,
  type Env,
  freshRead,
  isBatch,
  type Json,
  type RecordType,
  type Row,
  type SourceContext,
} from '@millrace/core'
import { afterAll } from 'vitest'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'

export type Item = Record<string, AttributeValue>
export type Key = readonly (readonly [name: string, type: 'S' | 'N' | 'B'])[]
export const [definition] = definitions

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** Tables of one endpoint; deleted at the end. */
export function tablesAt(endpoint: string) {
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials })
  const made = new Set<string>()
  afterAll(async () => {
    for (const TableName of made) await client.send(new DeleteTableCommand({ TableName }))
    client.destroy()
  })
  const table = async (TableName: string) => (await client.send(new DescribeTableCommand({ TableName }))).Table!
  const create = async (TableName: string, key: Key) => {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: key.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
        KeySchema: key.map(([AttributeName], k) => ({ AttributeName, KeyType: k === 0 ? 'HASH' : 'RANGE' })),
      }),
    )
    made.add(TableName)
    while ((await table(TableName)).TableStatus !== 'ACTIVE') await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const put = async (TableName: string, items: readonly Item[]) => {
    for (let at = 0; at < items.length; at += 25) {
      const requests = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }))
      await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }))
    }
  }
  return {
    client,
    put,
    /** Makes a table and fills it; returns the options to read it with. */
    async filled(key: Key, items: readonly Item[], more: Partial<Options> = {}): Promise<Options> {
      const options = {
        endpoint,
        region: 'us-east-1',
        credentials: { access_key_id: 'test', secret_access_key: 'test' },
        table_prefix: `r${randomUUID().slice(0, 8)}-`,
        collection: 'items',
        ...more,
      } as unknown as Options
      await create(nameOf(options), key)
      await put(nameOf(options), items)
      return options
    },
    /** The table is deleted and created again, with the same items. */
    async makeAnew(options: Options, key: Key, items: readonly Item[]) {
      const TableName = nameOf(options)
      await client.send(new DeleteTableCommand({ TableName }))
      while (await table(TableName).catch(() => undefined)) await new Promise((resolve) => setTimeout(resolve, 20))
      await create(TableName, key)
      await put(TableName, items)
    },
    idOf: async (options: Options) => (await table(nameOf(options))).TableId!,
    /** Every item, in the order of the service. */
    async items(options: Options): Promise<Item[]> {
      const found: Item[] = []
      for await (const { Items } of paginateScan({ client }, { TableName: nameOf(options), ConsistentRead: true }))
        found.push(...(Items ?? []))
      return found
    },
  }
}

export const nameOf = (o: Options): string => o.table_prefix + o.collection

const env: Env = { root: '/', home: '/', profile: 'live', pipeline: 'p', id: 'in', resolve: (path) => path }
export const contextOf = (schema: RecordType, more: Partial<SourceContext> = {}): SourceContext => ({
  ...env,
  schema,
  unknownFields: 'drop',
  ...more,
})

/** All batches from `at` on. */
export async function readAll(
  options: Options,
  schema: RecordType,
  more: { at?: Json; context?: Partial<SourceContext>; onBatch?: (batch: Batch) => unknown; signal?: AbortSignal } = {},
): Promise<Batch[]> {
  const source = definition!.create(options, contextOf(schema, more.context))
  const batches: Batch[] = []
  const signal = more.signal ?? new AbortController().signal
  for await (const batch of source.read(freshRead(signal, { resume: () => more.at }))) {
    if (!isBatch(batch)) continue
    batches.push(batch)
    await more.onBatch?.(batch)
  }
  return batches
}

export const rowsOf = (batches: readonly Batch[]): readonly Row[] => batches.flatMap((batch) => batch.rows)
