/** Tables of DynamoDB and streams of Kinesis, read by the services' own clients. */
import {
  type AttributeValue,
  DescribeTableCommand,
  DynamoDBClient,
  paginateScan,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb'
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Message, Place } from './stores.ts'

const settings = ({ env }: Place, service: string) => ({
  endpoint: env[`AWS_ENDPOINT_URL_${service}`]!,
  region: env['AWS_REGION']!,
  credentials: { accessKeyId: env['AWS_ACCESS_KEY_ID']!, secretAccessKey: env['AWS_SECRET_ACCESS_KEY']! },
})

/** The items of a table, each with its key as text; none if there is no such table. */
export async function* dynamodbItems(
  place: Place,
  table: string,
): AsyncGenerator<readonly [id: string, item: Record<string, AttributeValue>]> {
  const client = dynamodb(place)
  const TableName = `${place.env['NAME_PREFIX'] ?? ''}${table}`
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName })).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return { Table: undefined }
      throw error
    })
    if (!Table) return
    const key = Table.KeySchema![0]!.AttributeName!
    for await (const { Items } of paginateScan({ client }, { TableName, ConsistentRead: true }))
      for (const item of Items ?? []) yield [String(plain(item[key]!)), item]
  } finally {
    client.destroy()
  }
}

/** A client of the place's service. */
export const dynamodb = (place: Place): DynamoDBClient => new DynamoDBClient(settings(place, 'DYNAMODB'))

/**
 * The items as JSON lines, in the order of their keys. `_id` is the key, as in the other stores; DynamoDB keeps no
 * order of attributes: they are told by name.
 */
export async function* dynamodbLines(place: Place, database: string, collection: string): AsyncGenerator<string> {
  const found: (readonly [id: string, line: string])[] = []
  for await (const [id, item] of dynamodbItems(place, [database, collection].filter(Boolean).join('-'))) {
    const fields = Object.entries(item)
      .filter(([field]) => field !== '_id')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    const document = Object.fromEntries(fields.map(([field, value]) => [field, plain(value)]))
    found.push([id, `${JSON.stringify({ _id: id, ...document })}\n`])
  }
  for (const [, line] of found.toSorted(([a], [b]) => (a < b ? -1 : 1))) yield line
}

/** A value as plain JSON has it. `number`: what becomes of the digits of a number. */
export function plain(value: AttributeValue, number: (digits: string) => unknown = Number): unknown {
  if (value.M) return Object.fromEntries(Object.entries(value.M).map(([name, part]) => [name, plain(part, number)]))
  if (value.L) return value.L.map((part) => plain(part, number))
  return value.N === undefined ? (value.S ?? value.BOOL ?? value.B ?? null) : number(value.N)
}

/** A client of the place's streams. The stand-in speaks HTTP/1 only. */
export const kinesis = (place: Place): KinesisClient =>
  new KinesisClient({ ...settings(place, 'KINESIS'), requestHandler: new NodeHttpHandler() })

/** The messages of a stream, shard by shard. */
export async function kinesisMessages(place: Place, stream: string): Promise<Message[]> {
  const client = kinesis(place)
  const StreamName = `${place.env['NAME_PREFIX'] ?? ''}${stream}`
  try {
    const messages: Message[] = []
    const { Shards } = await client.send(new ListShardsCommand({ StreamName }))
    for (const [partition, { ShardId }] of Shards!.entries()) {
      const from = { StreamName, ShardId: ShardId!, ShardIteratorType: 'TRIM_HORIZON' as const }
      let { ShardIterator } = await client.send(new GetShardIteratorCommand(from))
      while (ShardIterator !== undefined) {
        const answer = await client.send(new GetRecordsCommand({ ShardIterator }))
        for (const { Data, PartitionKey } of answer.Records!) {
          const { _millrace_id: id, ...value } = JSON.parse(Buffer.from(Data!).toString()) as Record<string, unknown>
          messages.push({ partition, key: PartitionKey!, id: String(id), value })
        }
        const isAtEnd = answer.Records!.length === 0 && !answer.MillisBehindLatest
        ShardIterator = isAtEnd ? undefined : answer.NextShardIterator
      }
    }
    return messages
  } finally {
    client.destroy()
  }
}
