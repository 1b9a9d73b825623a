/** The only file that uses the SDK: the calls on tables, with failures as errors of ours. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Env, MillraceError, SystemError, unlessAborted } from '@millrace/core'
import { awsError, awsErrorName, awsSettings } from '@millrace/client-aws'
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
  type TableDescription,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb'
import { type KeyAttribute, type KeyType } from './layout.ts'
import { type DynamodbOptions, tableOf } from './options.ts'
import type { Item } from './values.ts'

export type { WriteRequest }
type Without<T> = Omit<T, 'TableName'>

/** An index of a table that a query can go by. */
export interface TableIndex {
  readonly name: string
  readonly key: readonly KeyAttribute[]
}

/** What is known of a table. */
export interface TableFacts {
  /** Names this table, as opposed to another of the same name that took its place. */
  readonly id: string
  readonly key: readonly KeyAttribute[]
  readonly indexes: readonly TableIndex[]
  /** The service counts every six hours or so. */
  readonly items: number
}

/** One answer of a query or a scan. */
export interface Page {
  readonly items: readonly Item[]
  /** Where the next one begins; undefined: there is none. */
  readonly next: Item | undefined
}

/** The service refuses a request because of what is in it. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest'
  /** The service's name of the error: `ValidationException`. */
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * The calls on tables. Each throws `SystemError`, or `RefusedRequest` for what is in the request, and rejects as soon
 * as the signal aborts.
 */
export interface Tables {
  /** Undefined: there is no such table. */
  facts(table: string): Promise<TableFacts | undefined>
  names(): Promise<readonly string[]>
  /** Creates a table that is paid by request, and waits until it can be used; one that is there is left alone. */
  create(table: string, key: readonly KeyAttribute[], indexes: readonly TableIndex[]): Promise<void>
  /** Writes at most 25 items of 16 MB; returns what was not processed. */
  batch(table: string, requests: WriteRequest[]): Promise<readonly WriteRequest[]>
  put(table: string, input: Without<PutItemCommandInput>): Promise<void>
  update(table: string, input: Without<UpdateItemCommandInput>): Promise<void>
  query(table: string, input: Without<QueryCommandInput>): Promise<Page>
  scan(table: string, input: Without<ScanCommandInput>): Promise<Page>
  close(): void
}

/** Nothing is sent before the first call. */
export function openTables(o: DynamodbOptions, env: Pick<Env, 'pipeline'>, signal?: AbortSignal): Tables {
  const client = new DynamoDBClient(awsSettings(o, env))
  const call = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await (signal ? unlessAborted(work(), signal, doing) : work())
    } catch (error) {
      throw awsError(error, doing, o) ?? new RefusedRequest(awsErrorName(error), (error as Error).message)
    }
  }
  const describe = async (TableName: string): Promise<TableDescription | undefined> => {
    try {
      return (await client.send(new DescribeTableCommand({ TableName }))).Table
    } catch (error) {
      if (awsErrorName(error) === 'ResourceNotFoundException') return undefined
      throw error
    }
  }
  return {
    facts: (table) => call(`looking up the table ${table}`, async () => factsOf(await describe(table))),
    names: () =>
      call('listing tables', async () => {
        const all: string[] = []
        let last: string | undefined
        do {
          const page = await client.send(new ListTablesCommand({ ExclusiveStartTableName: last }))
          all.push(...(page.TableNames ?? []))
          last = page.LastEvaluatedTableName
        } while (last !== undefined)
        return all
      }),
    create: (table, key, indexes) =>
      call(`creating the table ${table}`, async () => {
        try {
          await client.send(new CreateTableCommand(definitionOf(table, key, indexes)))
        } catch (error) {
          if (awsErrorName(error) !== 'ResourceInUseException') throw error
        }
        for (;;) {
          const found = await describe(table)
          const indexes = found?.GlobalSecondaryIndexes ?? []
          if (
            found &&
            [found.TableStatus, ...indexes.map((each) => each.IndexStatus)].every((status) => status !== 'CREATING')
          )
            return
          signal?.throwIfAborted()
          await wait(200)
        }
      }),
    batch: (table, requests) =>
      call(`writing to the table ${table}`, async () => {
        const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }))
        return answer.UnprocessedItems?.[table] ?? []
      }),
    put: (TableName, input) =>
      call(`writing to the table ${TableName}`, async () => {
        await client.send(new PutItemCommand({ TableName, ...input }))
      }),
    update: (TableName, input) =>
      call(`writing to the table ${TableName}`, async () => {
        await client.send(new UpdateItemCommand({ TableName, ...input }))
      }),
    query: (TableName, input) =>
      call(`reading the table ${TableName}`, async () =>
        pageOf(await client.send(new QueryCommand({ TableName, ...input }))),
      ),
    scan: (TableName, input) =>
      call(`reading the table ${TableName}`, async () =>
        pageOf(await client.send(new ScanCommand({ TableName, ...input }))),
      ),
    close: () => client.destroy(),
  }
}

const pageOf = (answer: { Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined }): Page => ({
  items: answer.Items ?? [],
  next: answer.LastEvaluatedKey,
})

const schemaOf = (key: readonly KeyAttribute[]) =>
  key.map(({ name }, k) => ({ AttributeName: name, KeyType: k === 0 ? ('HASH' as const) : ('RANGE' as const) }))

function definitionOf(TableName: string, key: readonly KeyAttribute[], indexes: readonly TableIndex[]) {
  const attributes = new Map([...key, ...indexes.flatMap((each) => each.key)].map(({ name, type }) => [name, type]))
  return {
    TableName,
    BillingMode: 'PAY_PER_REQUEST' as const,
    AttributeDefinitions: [...attributes].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: schemaOf(key),
    ...(indexes.length === 0
      ? {}
      : {
          GlobalSecondaryIndexes: indexes.map((each) => ({
            IndexName: each.name,
            KeySchema: schemaOf(each.key),
            Projection: { ProjectionType: 'ALL' as const },
          })),
        }),
  }
}

function factsOf(found: TableDescription | undefined): TableFacts | undefined {
  if (!found) return undefined
  const types = new Map((found.AttributeDefinitions ?? []).map((each) => [each.AttributeName, each.AttributeType]))
  const keyOf = (schema: TableDescription['KeySchema']): KeyAttribute[] =>
    (schema ?? [])
      .toSorted((a, b) => (a.KeyType === b.KeyType ? 0 : a.KeyType === 'HASH' ? -1 : 1))
      .map(({ AttributeName }) => ({ name: AttributeName!, type: types.get(AttributeName) as KeyType }))
  return {
    id: found.TableId ?? `${found.TableArn}@${found.CreationDateTime?.getTime()}`,
    key: keyOf(found.KeySchema),
    indexes: (found.GlobalSecondaryIndexes ?? []).map((each) => ({
      name: each.IndexName!,
      key: keyOf(each.KeySchema),
    })),
    items: found.ItemCount ?? 0,
  }
}

/** The error for a collection without a table. Its hint lists those there are, if the key may list them. */
export async function unknownTable(
  tables: Pick<Tables, 'names'>,
  o: DynamodbOptions,
  collection: string,
  exitCode: 2 | 3,
): Promise<MillraceError> {
  const names = await tables.names().catch((error: unknown) => {
    if (error instanceof RefusedRequest || (error instanceof SystemError && error.code === 'unauthorized')) return []
    throw error
  })
  const there = names.filter((name) => name.startsWith(o.table_prefix)).map((name) => name.slice(o.table_prefix.length))
  const message = `there is no table ${tableOf(o, collection)} for the collection ${collection}`
  return new MillraceError('unknown_collection', message, {
    hint: there.length > 0 ? `there are ${there.join(', ')}` : 'there is none: run a pipeline that writes to it first',
    exitCode,
  })
}
