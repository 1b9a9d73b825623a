/** The one file that knows the Kafka client: a producer that can be made anew, topics, and what its errors mean. */
import type { Env } from '@millrace/core'
import { answerMs, closeMs, kafkaConnection, kafkaError, makeTopic, type NewTopic, settled } from '@millrace/formats'
import { Admin, Producer } from '@platformatic/kafka'
import type { Options } from './options.ts'

export interface Message {
  readonly topic: string
  readonly key?: Buffer
  readonly value: Buffer
  readonly headers: Record<string, Buffer>
}

export interface Client {
  send(messages: readonly Message[]): Promise<void>
  /** After a rejected send the state of the old producer's sequence is unknown: the next send is a new producer's. */
  renew(): Promise<void>
  /** Makes the topic if it is not there. */
  create(topic: NewTopic): Promise<void>
  /** Partitions of the topic. Throws where there is none. */
  partitions(): Promise<number>
  close(): Promise<void>
}

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
  const withAdmin = async <T>(body: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = new Admin({ ...base, retries: 5, retryDelay: 200 })
    try {
      return await settled(body(admin), answerMs)
    } catch (error) {
      throw kafkaError(error, 'asking for the topic', o)
    } finally {
      await settled(admin.close(), closeMs).catch(() => {})
    }
  }
  const partitions = () =>
    withAdmin(
      async (admin) =>
        (await admin.metadata({ topics: [o.stream], forceUpdate: true })).topics.get(o.stream)!.partitions.length,
    )
  return {
    async send(messages) {
      try {
        await settled(producer.send({ messages: messages as never, acks: -1, compression }), answerMs)
      } catch (error) {
        throw kafkaError(error, 'sending', o)
      }
    },
    async renew() {
      await settled(producer.close(true), closeMs).catch(() => {})
      producer = make()
    },
    create: (topic) => withAdmin((admin) => makeTopic(admin, o.stream, topic)),
    partitions,
    async close() {
      await settled(producer.close(true), closeMs).catch(() => {})
    },
  }
}
