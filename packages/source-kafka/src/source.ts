/**
 * Reads a Kafka topic without a consumer group: this process assigns the partitions, and positions are in the
 * pipeline's state. A group would move partitions while their records are in flight, and keep positions apart from the
 * state they belong to.
 */
import { defineSource, type Source, type SourceContext, unlessAborted } from '@millrace/core'
import { asBytes, bytesContext, decodeAgain, streamCapabilities, streamDecoderOf } from '@millrace/kinds'
import type { Position } from './batch.ts'
import { type TopicReader, openTopicReader, willBeMade } from '@millrace/client-kafka'
import { lookAt } from './look.ts'
import { type Options, options } from './options.ts'
import { readTopic } from './read.ts'

export const sourceKafka = defineSource({
  kind: 'source',
  type: 'kafka',
  serves: ['stream'],
  summary: 'Reads a Kafka topic, with positions in the pipeline’s own state.',
  options,
  capabilities: (o) => ({ ...streamCapabilities(o), commit: 'report' }),
  reads: (o) => [`kafka:${o.stream}`],
  decoder(o, ctx) {
    const decoder = streamDecoderOf(o, ctx)
    return (bytes, context, beside) => decodeAgain(decoder, bytes, context, beside)
  },
  create: (o, ctx) => createReader(o, ctx),
  async probe(o, env) {
    const client = openTopicReader(o, env)
    try {
      const topic = await client.topic()
      return `topic ${o.stream} has ${topic.leaders.length} partitions`
    } catch (error) {
      return willBeMade(error, o)
    } finally {
      await client.close()
    }
  },
  look(o, env) {
    const plain = { ...o, ...asBytes, ...looking }
    return lookAt({ ...plain, stop: 'end' }, env, (stop) => createReader({ ...plain, stop }, bytesContext(env)))
  },
})

/** Whoever looks creates no topic, and sets no offsets of a group. */
const looking = {
  create: undefined,
  report_group: undefined,
  on_gap: 'earliest',
  max_bytes: 1 << 20,
  max_wait: 100,
} as const satisfies Partial<Options>

/** A reader of one topic. `refreshMs`: how often the number of partitions is checked. */
export function createReader(o: Options, ctx: SourceContext, refreshMs = 30_000): Source {
  const decoder = streamDecoderOf(o, ctx)
  let client: TopicReader | undefined
  return {
    async *read(read) {
      const { signal } = read
      if (signal.aborted) return
      client ??= openTopicReader(o, ctx)
      const doing = `connecting to ${o.brokers.join(', ')}`
      try {
        if (o.create) await unlessAborted(client.create(o.create), signal, doing)
        if (o.report_group) await unlessAborted(client.checkGroup(o.report_group), signal, doing)
        yield* readTopic(client, o, decoder, read, refreshMs)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
    async commit(done) {
      if (!o.report_group) return
      const offsets = new Map(
        done.flatMap(({ split, position }) =>
          position === undefined ? [] : [[Number(split), (position as unknown as Position).next]],
        ),
      )
      if (offsets.size > 0) await client!.report(o.report_group, offsets)
    },
    locate: (split, position) => Promise.resolve(`topic ${o.stream}, partition ${split}, offset ${position}`),
    async close() {
      await client?.close()
    },
  }
}
