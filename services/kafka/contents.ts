/** What a topic holds, read apart from our own source: for tests of what was written. */
import { Consumer } from '@platformatic/kafka'

/** A message as it is stored. */
export interface StoredMessage {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: Buffer, value: Buffer | null])[]
}

/** The messages of each partition. */
export async function messagesOf(broker: string, topic: string): Promise<StoredMessage[][]> {
  const consumer = new Consumer({ clientId: 'test', groupId: 'none', bootstrapBrokers: [broker], retries: 5 })
  consumer.topics.track(topic)
  try {
    const { id, partitions } = (await consumer.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!
    const ends = (await consumer.listOffsets({ topics: [topic], timestamp: -1n })).get(topic)!
    const found: StoredMessage[][] = ends.map(() => [])
    for (const [partition, end] of ends.entries()) {
      const asked = { partition, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 1 << 20 }
      for (let from = 0n; from < end; ) {
        const { responses } = await consumer.fetch({
          node: partitions[partition]!.leader,
          maxBytes: 1 << 20,
          minBytes: 1,
          maxWaitTime: 100,
          isolationLevel: 0,
          topics: [{ topicId: id, partitions: [{ ...asked, fetchOffset: from }] }],
        })
        for (const batch of responses.flatMap((r) => r.partitions).flatMap((p) => p.records ?? [])) {
          for (const record of batch.records)
            if (batch.firstOffset + BigInt(record.offsetDelta) >= from)
              found[partition]!.push(record as unknown as StoredMessage)
          from = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
        }
      }
    }
    return found
  } finally {
    await consumer.close(true)
  }
}

/** The values of each partition, as JSON. */
export const contentsOf = async (broker: string, topic: string): Promise<unknown[][]> =>
  (await messagesOf(broker, topic)).map((all) => all.map(({ value }) => JSON.parse(String(value)) as unknown))
