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

/**
 * The items of a table as JSON lines, in the order of their keys. `_id` is the key as text, as in the other stores;
 * DynamoDB keeps no order of attributes: they are told by name, after the key.
 */
export async function* dynamodbLines(place: Place, database: string, collection: string): AsyncGenerator<string> {
  const client = new DynamoDBClient(settings(place, 'DYNAMODB'))
  try {
    const name = [database, collection].filter(Boolean).join('-')
    const TableName = `${place.env['NAME_PREFIX'] ?? ''}${name}`
    const { Table } = await client.send(new DescribeTableCommand({ TableName })).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return { Table: undefined }
      throw error
    })
    if (!Table) return
    const [key] = Table.KeySchema!.map(({ AttributeName }) => AttributeName!)
    const found: (readonly [id: string, line: string])[] = []
    for await (const { Items } of paginateScan({ client }, { TableName, ConsistentRead: true }))
      for (const item of Items ?? []) {
        const id = String(plain(item[key!]!))
        const fields = Object.entries(item)
          .filter(([field]) => field !== '_id')
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
        const document = Object.fromEntries(fields.map(([field, value]) => [field, plain(value)]))
        found.push([id, `${JSON.stringify({ _id: id, ...document })}\n`])
      }
    for (const [, line] of found.toSorted(([a], [b]) => (a < b ? -1 : 1))) yield line
  } finally {
    client.destroy()
  }
}

function plain(value: AttributeValue): unknown {
  if (value.M) return Object.fromEntries(Object.entries(value.M).map(([name, part]) => [name, plain(part)]))
  if (value.L) return value.L.map(plain)
  return value.N === undefined ? (value.S ?? value.BOOL ?? null) : Number(value.N)
}

/** The messages of a stream, shard by shard. */
export async function kinesisMessages(place: Place, stream: string): Promise<Message[]> {
  // The stand-in speaks HTTP/1 only.
  const client = new KinesisClient({ ...settings(place, 'KINESIS'), requestHandler: new NodeHttpHandler() })
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
