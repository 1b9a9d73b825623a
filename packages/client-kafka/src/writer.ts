/** Writes a topic: a producer that can be recreated, and the topic's settings. */
import { type Env, unlessAborted } from '@millrace/core'
import {
  adminRetries,
  answerMs,
  isUnknownTopic,
  kafkaCodes,
  kafkaConnection,
  kafkaError,
  makeTopic,
  type NewTopic,
  settled,
  type TopicPlace,
} from './connection.ts'
import { Admin, compatibilityPartitioner, ConfigResourceTypes, Producer } from '@platformatic/kafka'

/** A record to send. */
export interface Message {
  readonly topic: string
  /** Null: none. */
  readonly key: Buffer | null
  /** Null: none, a tombstone. */
  readonly value: Buffer | null
  /** By name, in order. Each name is a buffer of its own, so that one that is repeated is another key of the map. */
  readonly headers: ReadonlyMap<Buffer, Buffer | null>
}

/** Metadata of a topic that is written. */
export interface TopicSettings {
  readonly partitions: number
  /** The largest batch of messages that it accepts, as sent; undefined if the user may not read it. */
  readonly maxMessageBytes: number | undefined
  /** It keeps the last message of each key, so it accepts none without one. */
  readonly compacted: boolean
}

/** How a topic is written. */
export interface WriterOptions extends TopicPlace {
  readonly compression: 'zstd' | 'lz4' | 'snappy' | 'gzip' | 'none'
}

/** A topic to be written. */
export interface TopicWriter {
  send(messages: readonly Message[]): Promise<void>
  /**
   * After a rejected send the sequence of the old producer is unknown: the next send uses a new producer. A topic that
   * was deleted meanwhile is created again if the options say so.
   */
  renew(rejection: Error | undefined, signal: AbortSignal): Promise<void>
  /** Creates the topic if it does not exist. */
  create(topic: NewTopic, signal: AbortSignal): Promise<void>
  /** Throws if there is none. */
  topic(signal: AbortSignal): Promise<TopicSettings>
  close(): Promise<void>
}

/**
 * The partition of a key is that of Kafka's own clients (murmur2 of its bytes, without the sign), so that records of
 * several writers with the same key are in one; the client's default differs unless the number of partitions is a power
 * of two. Records without a key are spread evenly.
 */
export function partitioner(): (message: unknown, key?: Buffer) => number {
  let next = 0
  return (message, key) => (key ? compatibilityPartitioner(message as never, key) : next++)
}

/** A closed producer has nothing left to send, and a silent broker would keep it waiting. */
const closeMs = 500
/** The limit of a topic unless the broker or the topic sets another. */
export const defaultMaxMessageBytes = 1_048_588

/** Opens a producer. Nothing is sent before its first call. */
export function openTopicWriter(o: WriterOptions, env: Env): TopicWriter {
  const base = kafkaConnection(o, env)
  const make = () =>
    new Producer<Buffer, Buffer, Buffer, Buffer>({ ...base, idempotent: true, acks: -1, partitioner: partitioner() })
  let producer = make()
  const compression = o.compression
  const close = () => settled(producer.close(true), closeMs).catch(() => {})
  const withAdmin = async <T>(signal: AbortSignal, body: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = new Admin({ ...base, ...adminRetries })
    try {
      return await unlessAborted(settled(body(admin), answerMs), signal, `looking up the topic ${o.stream}`)
    } catch (error) {
      throw kafkaError(error, 'looking up the topic', o)
    } finally {
      await settled(admin.close(), closeMs).catch(() => {})
    }
  }
  const create = (topic: NewTopic, signal: AbortSignal) =>
    withAdmin(signal, (admin) => makeTopic(admin, o.stream, topic, signal))
  return {
    async send(messages) {
      try {
        await settled(producer.send({ messages: messages as never, acks: -1, compression }), answerMs)
      } catch (error) {
        throw kafkaError(error, 'sending', o)
      }
    },
    async renew(rejection, signal) {
      await close()
      producer = make()
      if (o.create && isUnknownTopic(rejection)) await create(o.create, signal)
    },
    create,
    topic: (signal) =>
      withAdmin(signal, async (admin) => {
        const { topics } = await admin.metadata({ topics: [o.stream], forceUpdate: true })
        const settings = await settingsOf(admin, o.stream)
        const limit = settings.get('max.message.bytes')
        return {
          partitions: topics.get(o.stream)!.partitions.length,
          maxMessageBytes: limit == null ? undefined : Number(limit),
          compacted: /\bcompact\b/.test(settings.get('cleanup.policy') ?? ''),
        }
      }),
    close,
  }
}

/** Settings of a topic; empty if the user may not read them. */
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
