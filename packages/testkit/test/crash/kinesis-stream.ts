/** A stream of Kinesis that is written to and resharded by the SDK alone, and an account of what is in it. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

const keys = Array.from({ length: 24 }, (_, k) => `key ${k}`)
/** The stand-in and real accounts limit open shards; merges are drawn more often near it. */
const mostOpen = 6

/** A stream that grows and changes its shards at random. */
export interface ChangingStream {
  readonly name: string
  /** How many records it has: their `n` count from 0. */
  readonly count: number
  /** Puts a few records with random keys. */
  put(records: number): Promise<void>
  /** Splits a random shard at a random place, or merges two neighbours. */
  reshard(): Promise<void>
  /** Shards that have records: their parents. */
  withRecords(): Promise<ReadonlyMap<string, readonly string[]>>
  splits(): number
  merges(): number
  remove(): Promise<void>
}

export async function changingStream(endpoint: string, random: () => number): Promise<ChangingStream> {
  const client = new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: new NodeHttpHandler(),
    // A repeated put would be a record of its own.
    maxAttempts: 1,
  })
  const StreamName = `crash-${process.pid}-${Date.now()}`
  const active = async () => {
    for (;;) {
      const { StreamDescriptionSummary: found } = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
      if (found!.StreamStatus === 'ACTIVE') return
      await sleep(10)
    }
  }
  const shards = async (): Promise<Shard[]> => (await client.send(new ListShardsCommand({ StreamName }))).Shards!
  const low = (shard: Shard) => BigInt(shard.HashKeyRange!.StartingHashKey!)
  const high = (shard: Shard) => BigInt(shard.HashKeyRange!.EndingHashKey!)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  await active()

  const filled = new Set<string>()
  let count = 0
  let [splits, merges] = [0, 0]
  return {
    name: StreamName,
    get count() {
      return count
    },
    async put(records) {
      for (let i = 0; i < records; i++) {
        const key = pick(keys)
        const Data = Buffer.from(JSON.stringify({ n: count, key }))
        const { ShardId } = await client.send(new PutRecordCommand({ StreamName, Data, PartitionKey: key }))
        filled.add(ShardId!)
        count++
      }
    },
    async reshard() {
      const open = (await shards()).filter((shard) => !shard.SequenceNumberRange!.EndingSequenceNumber)
      open.sort((a, b) => (low(a) < low(b) ? -1 : 1))
      if (open.length > 1 && random() < open.length / (mostOpen + 1)) {
        const at = Math.floor(random() * (open.length - 1))
        const pair = { ShardToMerge: open[at]!.ShardId!, AdjacentShardToMerge: open[at + 1]!.ShardId! }
        await client.send(new MergeShardsCommand({ StreamName, ...pair }))
        merges++
      } else {
        const shard = pick(open)
        const width = high(shard) - low(shard)
        const NewStartingHashKey = String(low(shard) + (width * BigInt(Math.floor(20 + random() * 60))) / 100n + 1n)
        await client.send(new SplitShardCommand({ StreamName, ShardToSplit: shard.ShardId!, NewStartingHashKey }))
        splits++
      }
      await active()
    },
    async withRecords() {
      const parentsOf = ({ ParentShardId, AdjacentParentShardId }: Shard) =>
        [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined)
      const listed = await shards()
      return new Map(
        listed.filter(({ ShardId }) => filled.has(ShardId!)).map((shard) => [shard.ShardId!, parentsOf(shard)]),
      )
    },
    splits: () => splits,
    merges: () => merges,
    async remove() {
      await client.send(new DeleteStreamCommand({ StreamName }))
      client.destroy()
    },
  }
}
