/**
 * Writes records to a Kafka topic: acks=all, idempotent. A write returns when its sends are in flight; the flush waits
 * until all are acknowledged.
 */
import { defineSink, failRest, type Sink, throwFailures, type WriteFailure } from '@millrace/core'
import { jsonForm, streamAccepts, streamEncoder } from '@millrace/kinds'
import { type Message, type TopicWriter, openTopicWriter, type TopicSettings, willBeMade } from '@millrace/client-kafka'
import { cutMessages, sendBytesOf, sizeOf } from './messages.ts'
import { type Options, options } from './options.ts'
import { createSending, type Refusals, type Sending } from './sending.ts'

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
      const { partitions, maxMessageBytes } = await client.topic(signal)
      return `topic ${o.stream} has ${partitions} partitions${limitNote(o.max_message, maxMessageBytes)}`
    } catch (error) {
      return willBeMade(error, o)
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
    let sendBytes: number
    let current: Write | undefined
    const places = new WeakMap<Message, { readonly write: Write; readonly index: number }>()
    const refusals: Refusals = {
      // Further sends are cut to what may be accepted.
      halved(messages) {
        sendBytes = Math.min(sendBytes, Math.ceil(messages.reduce((sum, each) => sum + sizeOf(each), 0) / 2))
      },
      tooLarge(message, error) {
        const { write, index } = places.get(message)!
        if (write === current) write.failures.push({ index, kind: 'data', ...tooLargeOf(message) })
        // A record that counts as written can only be reported by the next run, which reads it again.
        else if (index < write.next) throw error
      },
    }
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
        sendBytes = sendBytesOf(topic)
        sending = createSending(client, o.in_flight, refusals)
      },
      async write(records, { signal }) {
        const write: Write = { failures: [], next: 0 }
        current = write
        try {
          for (const piece of encode(records, write.failures)) {
            for (const { messages, indexes, large } of cutMessages(piece, o, topic, () => sendBytes, write.failures)) {
              for (const [i, message] of messages.entries()) places.set(message, { write, index: indexes[i]! })
              await sending.send(messages, signal)
              // Whether a record is too large must be known before it counts as written.
              if (large || topic.maxMessageBytes === undefined) await sending.drain(signal)
              write.next = indexes.at(-1)! + 1
            }
          }
        } catch (error) {
          failRest(records.length, write.next, write.failures, error)
        } finally {
          current = undefined
        }
        throwFailures(write.failures)
      },
      async flush({ signal }) {
        await sending.drain(signal)
        return {}
      },
      close,
    }
  },
})

/** A call of `write`: what is known of its records. */
interface Write {
  readonly failures: WriteFailure[]
  /** The index of the first record that does not count as written if the call fails. */
  next: number
}

const encodingOf = (o: Options) => ({
  format: o.format,
  valueField: o.value_field,
  key: o.key,
  headersField: o.headers_field,
  onNull: o.on_null,
})

const tooLargeOf = ({ value }: Message) => ({
  code: 'too_large',
  message: `its value has ${value?.length ?? 0} bytes, more than the topic accepts by its max.message.bytes`,
})

/** How `max_message` compares with the topic's limit, if records could be refused because of it. */
function limitNote(maxMessage: number, limit: number | undefined): string {
  if (limit === undefined) return '; its max.message.bytes may not be read: set `max_message` to no more than that'
  if (maxMessage <= limit) return ''
  return (
    `; it accepts up to ${limit} bytes (max.message.bytes), less than \`max_message\` (${maxMessage}): ` +
    'larger records are bad unless they compress to less'
  )
}
