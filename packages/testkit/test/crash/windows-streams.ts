/** The streams of the windows job: the embedded log, or a topic of Kafka, read apart from our own sources. */
import { openLog } from '@millrace/client-log'
import { Admin } from '@platformatic/kafka'
import { join } from 'node:path'
import { contentsOf } from '../../../../services/kafka/contents.ts'
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
    contents: async () => (await contentsOf(broker, topic)) as Fed[][],
    async close() {
      await admin.deleteTopics({ topics: [topic] }).catch(() => {})
      await admin.close()
    },
  }
}
