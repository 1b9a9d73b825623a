/**
 * Reads a topic: metadata, raw fetches, offsets of groups.
 *
 * Decision: docs/decisions/20261121-kafka-client.md
 */
import { type Env, MillraceError } from '@millrace/core'
import {
  adminRetries,
  answerMs,
  kafkaConnection,
  kafkaError,
  makeTopic,
  type NewTopic,
  settled,
  type TopicPlace,
} from './connection.ts'
import { Admin, Consumer } from '@platformatic/kafka'

type Second<F> = F extends { (options: infer _A, callback: infer _C): void; (options: infer _B): Promise<infer R> }
  ? R
  : never
/** A broker's answer to a fetch, as the library returns it, and its parts. */
export type FetchResponse = Second<Consumer['fetch']>
export type RecordBatches = NonNullable<FetchResponse['responses'][number]['partitions'][number]['records']>
export type Fetched = FetchResponse['responses'][number]['partitions'][number]

/** Metadata of a topic that is read. */
export interface TopicLeaders {
  readonly id: string
  /** Leader of each partition; -1: none right now. */
  readonly leaders: readonly number[]
}

/** How a topic is read. */
export interface ReaderOptions extends TopicPlace {
  /** How long a broker may wait for new records, ms. */
  readonly max_wait: number
}

/** A topic to be read. */
export interface TopicReader {
  /** Creates the topic if it does not exist. */
  create(topic: NewTopic): Promise<void>
  topic(): Promise<TopicLeaders>
  /**
   * Offsets of every partition. `at`: -2 the first available one, -1 the end, or that of the first record at a time, ms
   * UTC, which is -1 if there is none.
   */
  offsets(at: number): Promise<readonly bigint[]>
  /** Fetches from the leader of partitions what follows these offsets, at most `bytes` of each, as stored. */
  fetch(node: number, topicId: string, from: ReadonlyMap<number, bigint>, bytes: number): Promise<FetchResponse>
  /** Fails if the group has members: its offsets are theirs. */
  checkGroup(group: string): Promise<void>
  report(group: string, offsets: ReadonlyMap<number, number>): Promise<void>
  close(): Promise<void>
}

/** There is no group to leave: only connections have to be closed. */
const closeMs = 1000
/** An answer is limited to what this many partitions may return: with hundreds of them it would fill the memory. */
const mostPartitions = 16

/** Opens a client. Nothing is sent before its first call. */
export function openTopicReader(o: ReaderOptions, env: Env): TopicReader {
  const base = kafkaConnection(o, env)
  const consumer = new Consumer({ ...base, groupId: 'unused' })
  consumer.topics.track(o.stream)
  let admin: Admin | undefined
  const call = async <T>(doing: string, body: () => Promise<T>): Promise<T> => {
    try {
      return await settled(body(), answerMs)
    } catch (error) {
      throw kafkaError(error, doing, o)
    }
  }
  const administer = () => (admin ??= new Admin({ ...base, ...adminRetries }))
  return {
    create: (topic) => call('creating the topic', () => makeTopic(administer(), o.stream, topic)),
    topic: () =>
      call('looking up the topic', async () => {
        const metadata = await consumer.metadata({ topics: [o.stream], forceUpdate: true })
        const found = metadata.topics.get(o.stream)!
        return { id: found.id, leaders: found.partitions.map((p) => p.leader) }
      }),
    offsets: (at) =>
      call(
        'looking up offsets',
        async () => (await consumer.listOffsets({ topics: [o.stream], timestamp: BigInt(at) })).get(o.stream)!,
      ),
    fetch: (node, topicId, from, bytes) =>
      settled(
        consumer.fetch({
          node,
          maxBytes: bytes * Math.min(mostPartitions, from.size),
          minBytes: 1,
          maxWaitTime: o.max_wait,
          isolationLevel: 1,
          topics: [
            {
              topicId,
              partitions: [...from].map(([partition, fetchOffset]) => ({
                partition,
                fetchOffset,
                currentLeaderEpoch: -1,
                lastFetchedEpoch: -1,
                partitionMaxBytes: bytes,
              })),
            },
          ],
        }),
        o.max_wait + answerMs,
      ),
    checkGroup: (group) =>
      call('inspecting the group', async () => {
        const found = (await administer().describeGroups({ groups: [group] })).get(group)
        if (found && found.members.size > 0) {
          throw new MillraceError(
            'group_in_use',
            `consumer group ${group} has ${found.members.size} members: their offsets would be overwritten`,
            {
              hint: 'give `report_group` a name of its own',
              exitCode: 3,
            },
          )
        }
      }),
    report: (group, offsets) =>
      call('reporting offsets', async () => {
        const partitionOffsets = [...offsets].map(([partition, offset]) => ({ partition, offset: BigInt(offset) }))
        await administer().alterConsumerGroupOffsets({ groupId: group, topics: [{ name: o.stream, partitionOffsets }] })
      }),
    async close() {
      const closing = [consumer.close(true), ...(admin ? [admin.close()] : [])]
      await Promise.all(closing.map((closed) => settled(closed, closeMs).catch(() => {})))
    },
  }
}
