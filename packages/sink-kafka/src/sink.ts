/**
 * Writes records to a Kafka topic: acks=all, idempotent, several sends on their way at once. A write returns when its send is on its way; the flush waits for all.
 *
 * A send that was rejected is an unknown outcome: its records may be in the topic. So when the others have settled, a new producer repeats, one after the other,
 * every send from the rejected one on, the acknowledged ones too: the last value of a key stays last, and what is doubled is doubled under its own id.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { defineSink, PartialWriteError, type Records, type Sink, type WriteFailure } from '@millrace/core'
import { type EncodedValues, idHeader, jsonForm, streamEncoder } from '@millrace/formats'
import { type Client, type Message, openClient } from './client.ts'
import { options } from './options.ts'

interface Send {
  readonly messages: readonly Message[]
  done: boolean
  error?: Error
  settled: Promise<void>
}

/** How often a flush repeats what was rejected before it gives up. */
const tries = 10

export const sinkKafka = defineSink({
  kind: 'sink',
  type: 'kafka',
  serves: ['stream'],
  summary: 'Writes records to a Kafka topic, idempotent and acknowledged by all replicas.',
  options,
  capabilities: () => ({
    label: 'at-least-once',
    how: 'acks=all, idempotent; a repeated record keeps its id in the header, which the next hop inherits',
  }),
  writes: (o) => [`kafka:${o.stream}`],
  async probe(o, env) {
    const client = openClient(o, env)
    try {
      return `topic ${o.stream} has ${await client.partitions()} partitions`
    } finally {
      await client.close()
    }
  },
  mapping: jsonForm,
  create(o, ctx): Sink {
    const encode = streamEncoder({
      schema: ctx.schema,
      format: o.format,
      valueField: o.value_field,
      key: o.key,
      headersField: o.headers_field,
    })
    let client: Client
    /** Sends in order, from the first that is not acknowledged on. */
    let window: Send[] = []
    const send = (messages: readonly Message[]): Send => {
      const made: Send = { messages, done: false, settled: Promise.resolve() }
      made.settled = client.send(messages).then(
        () => {
          made.done = true
        },
        (error: Error) => {
          made.error = error
        },
      )
      return made
    }
    /** Forgets what is acknowledged up to the first that is not. */
    const shrink = () => {
      let n = 0
      while (n < window.length && window[n]!.done) n++
      if (n > 0) window = window.slice(n)
    }
    /** Repeats what was rejected, in order; throws when it is rejected again. */
    const mend = async () => {
      if (!window.some((s) => s.error)) return
      await Promise.all(window.map((s) => s.settled))
      shrink()
      await client.renew()
      for (const [k, old] of window.entries()) {
        const again = send(old.messages)
        await again.settled
        if (again.error) {
          window = [again, ...window.slice(k + 1)]
          throw again.error
        }
      }
      window = []
    }
    return {
      async open() {
        client = openClient(o, ctx)
        if (o.create) await client.create(o.create)
        await client.partitions()
      },
      async write(records) {
        await mend()
        const { messages, failures } = messagesOf(records, encode(records), o)
        for (;;) {
          const open = window.filter((s) => !s.done)
          if (open.length < o.in_flight) break
          await Promise.race(open.map((s) => s.settled))
          await mend()
          shrink()
        }
        if (messages.length) window.push(send(messages))
        if (failures.length) throw new PartialWriteError(failures)
      },
      async flush({ signal }) {
        for (let attempt = 1; window.length > 0; attempt++) {
          await Promise.all(window.map((s) => s.settled))
          shrink()
          try {
            await mend()
          } catch (error) {
            if (attempt >= tries || signal.aborted || !(error as { retry?: boolean }).retry) throw error
            await wait(Math.min(5000, 100 * 2 ** attempt), undefined, { signal })
          }
        }
        return {}
      },
      async close() {
        await client?.close()
      },
    }
  },
})

/** The records as messages; a value that is too large is a bad record. */
function messagesOf(
  records: Records,
  { body, starts, ends, keys, headers }: EncodedValues,
  o: { readonly stream: string; readonly max_message: number },
): { messages: Message[]; failures: WriteFailure[] } {
  const ids = records.ids()
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const messages: Message[] = []
  const failures: WriteFailure[] = []
  for (let i = 0; i < ids.length; i++) {
    const value = bytes.subarray(starts[i]!, ends[i]!)
    if (value.length > o.max_message) {
      failures.push({
        index: i,
        kind: 'data',
        code: 'too_large',
        message: `its value has ${value.length} bytes, more than max_message (${o.max_message})`,
      })
      continue
    }
    const more: Record<string, Buffer> = { [idHeader]: Buffer.from(ids[i]!) }
    for (const [name, text] of Object.entries(headers?.[i] ?? {})) if (name !== idHeader) more[name] = Buffer.from(text)
    const key = keys[i]
    messages.push({
      topic: o.stream,
      value,
      headers: more,
      ...(key === null || key === undefined ? {} : { key: Buffer.from(key) }),
    })
  }
  return { messages, failures }
}
