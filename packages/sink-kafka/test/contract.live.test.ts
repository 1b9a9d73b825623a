import type { Row } from '@millrace/core'
import { liveUrl, sinkContract } from '@millrace/testkit'
import { Admin, Consumer } from '@platformatic/kafka'
import { describe } from 'vitest'

const url = liveUrl('KAFKA')
const brokers = (url ?? '').split(',')
const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, name: { type: { kind: 'string' }, optional: true } },
} as const
const rows = Array.from({ length: 40 }, (_, n) => ({ n, name: n % 4 ? `n ${n}` : null }))
let count = 0
const fresh = () => `contract-sink-${process.pid}-${Date.now()}-${count++}`

async function topic(partitions: number): Promise<string> {
  const stream = fresh()
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers, retries: 10 })
  await admin.createTopics({ topics: [stream], partitions, replicas: 1 })
  await admin.close()
  return stream
}

/** Every value of a topic, read apart from our own source. */
async function valuesOf(stream: string): Promise<Row[]> {
  const consumer = new Consumer({ clientId: 'test', groupId: 'none', bootstrapBrokers: brokers, retries: 5 })
  consumer.topics.track(stream)
  const found: Row[] = []
  try {
    const { id, partitions } = (await consumer.metadata({ topics: [stream], forceUpdate: true })).topics.get(stream)!
    const ends = (await consumer.listOffsets({ topics: [stream], timestamp: -1n })).get(stream)!
    for (const [partition, end] of ends.entries()) {
      for (let from = 0n; from < end; ) {
        const { responses } = await consumer.fetch({
          node: partitions[partition]!.leader,
          maxBytes: 1 << 20,
          minBytes: 1,
          maxWaitTime: 100,
          isolationLevel: 0,
          topics: [
            {
              topicId: id,
              partitions: [
                {
                  partition,
                  fetchOffset: from,
                  currentLeaderEpoch: -1,
                  lastFetchedEpoch: -1,
                  partitionMaxBytes: 1 << 20,
                },
              ],
            },
          ],
        })
        for (const record of responses.flatMap((r) => r.partitions).flatMap((p) => p.records ?? [])) {
          for (const one of record.records)
            if (record.firstOffset + BigInt(one.offsetDelta) >= from) found.push(JSON.parse(String(one.value)) as Row)
          from = record.firstOffset + BigInt(record.lastOffsetDelta) + 1n
        }
      }
    }
    return found
  } finally {
    await consumer.close(true)
  }
}

describe.skipIf(!url)('on a real broker', () => {
  sinkContract({
    module: new URL('../src/index.ts', import.meta.url),
    type: 'kafka',
    async setup() {
      const stream = await topic(3)
      return {
        options: {
          stream,
          brokers,
          format: 'json',
          value_field: 'value',
          key: 'n',
          order: 'strict',
          compression: 'zstd',
          in_flight: 4,
          max_message: 1000,
        },
        schema,
        rows,
        refused: { n: 1, name: 'x'.repeat(2000) },
        visible: () => valuesOf(stream),
      }
    },
  })
})
