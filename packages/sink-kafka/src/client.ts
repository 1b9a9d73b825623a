/** The one file that knows the Kafka client: a producer that can be recreated, topics, and what its errors mean. */
import type { Env } from '@millrace/core'
import {
  answerMs,
  kafkaCodes,
  kafkaConnection,
  kafkaError,
  makeTopic,
  type NewTopic,
  settled,
  unlessAborted,
} from '@millrace/formats'
import { Admin, ConfigResourceTypes, Producer } from '@platformatic/kafka'
import type { Options } from './options.ts'

export interface Message {
  readonly topic: string
  readonly key?: Buffer
  readonly value: Buffer
  readonly headers: Record<string, Buffer>
}

export interface Topic {
  readonly partitions: number
  /** The largest batch of messages that it takes, as it is sent. */
  readonly maxMessageBytes: number
  /** It keeps the last message of each key, so it takes none without. */
  readonly compacted: boolean
}

export interface Client {
  send(messages: readonly Message[]): Promise<void>
  /** After a rejected send the state of the old producer's sequence is unknown: the next send is a new producer's. */
  renew(): Promise<void>
  /** Makes the topic if it is not there. */
  create(topic: NewTopic, signal: AbortSignal): Promise<void>
  /** Throws where there is none. */
  topic(signal: AbortSignal): Promise<Topic>
  close(): Promise<void>
}

/** A producer that is closed has nothing to send any more, and a broker that is silent would keep it waiting. */
const closeMs = 500
/** The limit of a topic that may not be asked for its settings: the broker's own default. */
const defaultMaxMessageBytes = 1_048_588

export function openClient(o: Options, env: Env): Client {
  const base = kafkaConnection(o, env)
  const make = () =>
    new Producer<Buffer, Buffer, string, Buffer>({
      ...base,
      idempotent: true,
      acks: -1,
      serializers: { headerKey: (name) => Buffer.from(name ?? '') },
    })
  let producer = make()
  const compression = o.compression
  const close = () => settled(producer.close(true), closeMs).catch(() => {})
  const withAdmin = async <T>(signal: AbortSignal, body: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = new Admin({ ...base, retries: 5, retryDelay: 200 })
    try {
      return await unlessAborted(settled(body(admin), answerMs), signal, `asking for the topic ${o.stream}`)
    } catch (error) {
      throw kafkaError(error, 'asking for the topic', o)
    } finally {
      await settled(admin.close(), closeMs).catch(() => {})
    }
  }
  return {
    async send(messages) {
      try {
        await settled(producer.send({ messages: messages as never, acks: -1, compression }), answerMs)
      } catch (error) {
        throw kafkaError(error, 'sending', o)
      }
    },
    async renew() {
      await close()
      producer = make()
    },
    create: (topic, signal) => withAdmin(signal, (admin) => makeTopic(admin, o.stream, topic, signal)),
    topic: (signal) =>
      withAdmin(signal, async (admin) => {
        const { topics } = await admin.metadata({ topics: [o.stream], forceUpdate: true })
        const settings = await settingsOf(admin, o.stream)
        return {
          partitions: topics.get(o.stream)!.partitions.length,
          maxMessageBytes: Number(settings.get('max.message.bytes') ?? defaultMaxMessageBytes),
          compacted: /\bcompact\b/.test(settings.get('cleanup.policy') ?? ''),
        }
      }),
    close,
  }
}

/** Settings of a topic; empty where the user may not ask for them. */
async function settingsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string | null | undefined>> {
  const configurationKeys = ['max.message.bytes', 'cleanup.policy']
  try {
    const [found] = await admin.describeConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys }],
    })
    return new Map(found?.configs.map(({ name, value }) => [name, value]))
  } catch (error) {
    if (kafkaCodes(error).has('TOPIC_AUTHORIZATION_FAILED')) return new Map()
    throw error
  }
}
