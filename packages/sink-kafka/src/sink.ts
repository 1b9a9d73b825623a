/**
 * Writes records to a Kafka topic: acks=all, idempotent. A write returns when its sends are in flight; the flush waits
 * until all are acknowledged.
 */
import { defineSink, failRest, type Sink, throwFailures, type WriteFailure } from '@millrace/core'
import { jsonForm, streamAccepts, streamEncoder } from '@millrace/kinds'
import { type TopicWriter, openTopicWriter, type TopicSettings } from '@millrace/client-kafka'
import { cutMessages } from './messages.ts'
import { type Options, options } from './options.ts'
import { createSending, type Sending } from './sending.ts'

export const sinkKafka = defineSink({
  kind: 'sink',
  type: 'kafka',
  serves: ['stream'],
  summary: 'Writes records to a Kafka topic, idempotent and acknowledged by all replicas.',
  options,
  capabilities: (o) => ({
    label: 'at-least-once',
    how: 'acks=all, idempotent; a repeated record keeps its id in the header, which the next hop inherits',
    limits: {
      record: `${o.max_message} bytes of value; the broker's \`max.message.bytes\` must allow it (1 MiB by default)`,
    },
  }),
  writes: (o) => [`kafka:${o.stream}`],
  async probe(o, env, signal) {
    const client = openTopicWriter(o, env)
    try {
      return `topic ${o.stream} has ${(await client.topic(signal)).partitions} partitions`
    } finally {
      await client.close()
    }
  },
  accepts: (o, input) => streamAccepts(encodingOf(o), input),
  mapping: jsonForm,
  create(o, ctx): Sink {
    const encode = streamEncoder({ schema: ctx.schema, ...encodingOf(o) })
    let client: TopicWriter | undefined
    let topic: TopicSettings
    let sending: Sending
    const close = async () => {
      await client?.close()
      client = undefined
    }
    return {
      async open({ signal }) {
        await close()
        client = openTopicWriter(o, ctx)
        if (o.create) await client.create(o.create, signal)
        topic = await client.topic(signal)
        sending = createSending(client, o.in_flight)
      },
      async write(records, { signal }) {
        const failures: WriteFailure[] = []
        let next = 0
        try {
          for (const piece of encode(records, failures)) {
            for (const { messages, end, large } of cutMessages(piece, o, topic, failures)) {
              if (!large) await sending.send(messages, signal)
              else if (!(await sending.offer(messages[0]!, signal)))
                failures.push({ index: end - 1, kind: 'data', ...tooLargeFor(topic) })
              next = end
            }
          }
        } catch (error) {
          failRest(records.length, next, failures, error)
        }
        throwFailures(failures)
      },
      async flush({ signal }) {
        await sending.drain(signal)
        return {}
      },
      close,
    }
  },
})

const encodingOf = (o: Options) => ({
  format: o.format,
  valueField: o.value_field,
  key: o.key,
  headersField: o.headers_field,
})

const tooLargeFor = ({ maxMessageBytes }: TopicSettings) => ({
  code: 'too_large',
  message: `the topic does not accept a message of this size: its max.message.bytes is ${maxMessageBytes}`,
})
