/** The streams of the windows job: the embedded log, or a topic of Kafka, read apart from our own sources. */
import { openLog } from '@millrace/client-log'
import { Admin, Consumer } from '@platformatic/kafka'
import { join } from 'node:path'
import type { Fed, Stream } from './windows-job.ts'

const partitions = 4

export const logStream: Stream = {
  sink: `{ type: log, config: { stream: s, key: k, partitions: ${partitions} } }`,
  source: 'type: log\n  config: { stream: s }',
  async contents(folder) {
    const log = openLog(join(folder, '.millrace/local/log/s.db'))!
    try {
      return Array.from({ length: log.partitions }, (_, p) =>
        log.read(p, 0, Number.POSITIVE_INFINITY).flatMap(({ body }) =>
          Buffer.from(body)
            .toString()
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as Fed),
        ),
      )
    } finally {
      log.close()
    }
  },
}

/** A topic that is made for each run. */
export async function kafkaStream(broker: string, topic: string): Promise<Stream & { close(): Promise<void> }> {
  const admin = new Admin({ clientId: 'windows', bootstrapBrokers: [broker], retries: 10 })
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  const at = `stream: ${topic}, brokers: ["${broker}"]`
  return {
    sink: `{ type: kafka, config: { ${at}, key: k } }`,
    source: `type: kafka\n  config: { ${at} }`,
    contents: () => contentsOf(broker, topic),
    async close() {
      await admin.deleteTopics({ topics: [topic] }).catch(() => {})
      await admin.close()
    },
  }
}

async function contentsOf(broker: string, topic: string): Promise<Fed[][]> {
  const consumer = new Consumer({ clientId: 'test', groupId: 'none', bootstrapBrokers: [broker], retries: 5 })
  consumer.topics.track(topic)
  try {
    const { id, partitions } = (await consumer.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!
    const ends = (await consumer.listOffsets({ topics: [topic], timestamp: -1n })).get(topic)!
    const found: Fed[][] = []
    for (const [partition, end] of ends.entries()) {
      found[partition] = []
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
            if (record.firstOffset + BigInt(one.offsetDelta) >= from)
              found[partition].push(JSON.parse(String(one.value)) as Fed)
          from = record.firstOffset + BigInt(record.lastOffsetDelta) + 1n
        }
      }
    }
    return found
  } finally {
    await consumer.close(true)
  }
}
