/**
 * Kafka -> MongoDB by the real command, on a broker of its own: both the command and the broker are killed while
 * records flow.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Producer } from '@platformatic/kafka'
import { MongoClient } from 'mongodb'
import { type OwnBroker, ownBroker } from '../../../../services/kafka/own.ts'
import { startOnce } from '../../src/until-done.ts'
import { pipeFromSource } from './jobs.ts'

const partitions = 3
const topic = 'numbers'
/** About how long a broker takes to come back. */
const outageMs = 15_000

export interface KafkaJob {
  /** As if it had never run. */
  reset(): Promise<void>
  /**
   * Starts the command until it ends by itself, killing start n (from 0) after `afterMs(n)`; in `brokerDeaths` of the
   * starts, from the second on, the broker is killed too and started again. A run that gives up because the broker is
   * away too long is started again.
   */
  run(
    afterMs: (start: number) => number,
    brokerDeaths: number,
  ): Promise<{ kills: number; brokerKills: number; gaveUp: number }>
  /** One start to the end; returns how long it took. */
  undisturbed(): Promise<number>
  /** The error it throws says what was lost or duplicated. */
  verify(): Promise<void>
  close(): Promise<void>
}

/** Fills a topic with `count` records and makes the project; `mongodb`: the address of the store. */
export async function kafkaJob(mongodb: string, count: number, folder: string): Promise<KafkaJob> {
  const broker = await ownBroker()
  const client = new MongoClient(mongodb)
  const database = `crash-${process.pid}-${Date.now()}`
  const documents = client.db(database).collection<{ _id: string; n: number; twice: number }>('numbers')
  const close = async () => {
    await client.db(database).dropDatabase()
    await client.close()
    await broker.close()
  }
  try {
    await fill(broker, count)
    makeProject(folder, broker.address, mongodb, database)
  } catch (error) {
    await close()
    throw error
  }
  const program = {
    command: process.execPath,
    args: [...pipeFromSource, 'run', 'job.yaml', '--json'],
    cwd: folder,
    env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
  }
  return {
    async reset() {
      rmSync(join(folder, '.millrace'), { recursive: true, force: true })
      await documents.deleteMany({})
    },
    async undisturbed() {
      const started = performance.now()
      await startOnce(program, 'lives')
      return performance.now() - started
    },
    async run(afterMs, brokerDeaths) {
      const told = { kills: 0, brokerKills: 0, gaveUp: 0 }
      for (let start = 0; start < 400; start++) {
        const dies = afterMs(start)
        const outage = start > 0 && told.brokerKills < brokerDeaths ? breakBroker(broker, dies) : undefined
        if (outage) told.brokerKills++
        try {
          // The start that meets the outage is killed later: mostly it has to wait and continue by itself.
          const { killed } = await startOnce(program, {
            afterMs: outage ? dies + outageMs * (0.5 + Math.random()) : dies,
          })
          if (!killed) return told
          told.kills++
        } catch (error) {
          if (!outage) throw error
          told.gaveUp++
        } finally {
          await outage
        }
      }
      throw new Error('not done after 400 starts')
    },
    async verify() {
      const seen = new Uint8Array(count)
      for await (const { n, twice } of documents.find({}, { projection: { n: 1, twice: 1 } })) {
        if (twice !== 2 * n) throw new Error(`record ${n} has twice: ${twice}`)
        seen[n]!++
      }
      const lost = seen.reduce((sum, times) => sum + (times === 0 ? 1 : 0), 0)
      const doubled = seen.reduce((sum, times) => sum + (times > 1 ? 1 : 0), 0)
      if (lost || doubled) throw new Error(`${lost} lost, ${doubled} doubled of ${count}`)
    },
    close,
  }
}

/** Kills the broker at some time before `beforeMs` and starts it again. */
async function breakBroker(broker: OwnBroker, beforeMs: number): Promise<void> {
  await sleep(beforeMs * (0.3 + Math.random() * 0.7))
  await broker.kill()
  await broker.start()
}

async function fill(broker: OwnBroker, count: number): Promise<void> {
  const producer = new Producer<string, string, string, string>({
    clientId: 'fill',
    bootstrapBrokers: [broker.address],
    retries: 10,
    autocreateTopics: true,
    idempotent: true,
    acks: -1,
    serializers: {
      key: (text) => Buffer.from(text ?? ''),
      value: (text) => Buffer.from(text ?? ''),
    },
  })
  try {
    for (let at = 0; at < count; at += 2000) {
      const length = Math.min(2000, count - at)
      await producer.send({
        messages: Array.from({ length }, (_, i) => ({
          topic,
          partition: (at + i) % partitions,
          value: JSON.stringify({ n: at + i, text: 'x'.repeat(100) }),
        })),
      })
    }
  } finally {
    await producer.close()
  }
}

function makeProject(folder: string, broker: string, mongodb: string, database: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(
    join(folder, 'job.yaml'),
    `version: 1
name: numbers
delivery: effectively_once
source:
  type: kafka
  config: { stream: ${topic}, brokers: ["${broker}"], stop: end }
  schema: { fields: { n: integer, text: string } }
steps:
  - set: { twice: "n * 2" }
sinks:
  documents: { type: mongodb, config: { url: "${mongodb}", database: ${database}, collection: numbers } }
`,
  )
}
