/** Streams of the stand-in, made and filled by the SDK, apart from our own client. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  ResourceNotFoundException,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

let count = 0
export const freshName = (what: string): string => `${what}-${process.pid}-${Date.now()}-${count++}`

/** The options of a stream of the stand-in, for source and sink. */
export const standIn = (url: string) => ({
  region: 'us-east-1',
  endpoint: url,
  credentials: { access_key_id: 'test', secret_access_key: 'test' },
})

export function streamsAt(url: string) {
  const client = new KinesisClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: new NodeHttpHandler(),
  })
  const summary = async (StreamName: string) =>
    (await client.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary!
  const active = async (StreamName: string) => {
    while ((await summary(StreamName)).StreamStatus !== 'ACTIVE') await sleep(10)
  }
  const shards = async (StreamName: string): Promise<Shard[]> =>
    (await client.send(new ListShardsCommand({ StreamName }))).Shards!
  return {
    client,
    shards,
    identity: async (name: string) => {
      const { StreamARN, StreamCreationTimestamp } = await summary(name)
      return `${StreamARN}@${StreamCreationTimestamp!.getTime()}`
    },
    async create(StreamName: string, ShardCount: number) {
      await client.send(new CreateStreamCommand({ StreamName, ShardCount }))
      await active(StreamName)
    },
    async remove(StreamName: string) {
      await client.send(new DeleteStreamCommand({ StreamName }))
      for (;;) {
        const gone = await summary(StreamName).then(
          () => false,
          (error: unknown) => error instanceof ResourceNotFoundException,
        )
        if (gone) return
        await sleep(10)
      }
    },
    /** Returns the sequence number. `hash`: a place in the key space, so a shard. */
    async put(StreamName: string, value: string | Uint8Array, key: string, hash?: bigint): Promise<string> {
      const put = new PutRecordCommand({
        StreamName,
        Data: Buffer.from(value as string),
        PartitionKey: key,
        ...(hash === undefined ? {} : { ExplicitHashKey: String(hash) }),
      })
      return (await client.send(put)).SequenceNumber!
    },
    /** Splits a shard in the middle of its keys. */
    async split(StreamName: string, shard: Shard) {
      const low = BigInt(shard.HashKeyRange!.StartingHashKey!)
      const high = BigInt(shard.HashKeyRange!.EndingHashKey!)
      const NewStartingHashKey = String((low + high + 1n) / 2n)
      await client.send(new SplitShardCommand({ StreamName, ShardToSplit: shard.ShardId!, NewStartingHashKey }))
      await active(StreamName)
    },
    async merge(StreamName: string, a: Shard, b: Shard) {
      const [ShardToMerge, AdjacentShardToMerge] = [a.ShardId!, b.ShardId!]
      await client.send(new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge }))
      await active(StreamName)
    },
  }
}
