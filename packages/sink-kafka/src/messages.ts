/** Encoded records as messages, grouped into sends that the topic accepts. */
import { type Headers, wireBytes, type WireText, type WriteFailure } from '@millrace/core'
import { type EncodedValues, idHeader } from '@millrace/kinds'
import { halfPair } from '@millrace/formats'
import { defaultMaxMessageBytes, type Message, type TopicSettings } from '@millrace/client-kafka'

/** Messages to be sent together. */
export interface Cut {
  readonly messages: readonly Message[]
  /** The index in the write of each message's record. */
  readonly indexes: readonly number[]
  /** A single message that may be too large for the topic. */
  readonly large: boolean
}

/** The maximum overhead of a message and of a batch. */
const messageOverhead = 64
const batchOverhead = 128

/**
 * How many bytes are sent at once: a send is one batch per partition, and a topic accepts batches up to its
 * `max.message.bytes`, by default 1 MiB.
 */
export const sendBytesOf = (topic: TopicSettings): number =>
  Math.min(1024 * 1024, (topic.maxMessageBytes ?? defaultMaxMessageBytes) - batchOverhead)

/** The messages of a piece, in order, by `sendBytes`. Those that the topic can never accept go to `failures`. */
export function* cutMessages(
  piece: EncodedValues,
  o: { readonly stream: string; readonly max_message: number },
  topic: TopicSettings,
  sendBytes: () => number,
  failures: WriteFailure[],
): Generator<Cut> {
  const { indexes: all, starts, ends, keys } = piece
  const ids = piece.records.ids()
  // The piece is lent, and a message may have to be sent again.
  const body = Buffer.from(piece.body)
  let messages: Message[] = []
  let indexes: number[] = []
  let bytes = 0
  for (const [i, index] of all.entries()) {
    const value = piece.nulls?.has(i) ? null : body.subarray(starts[i], ends[i])
    const wrong = refusal(value, keys[i]!, ids[i]!, o.max_message, topic)
    if (wrong) {
      failures.push({ index, kind: 'data', ...wrong })
      continue
    }
    const message = messageOf(o.stream, value, keys[i]!, ids[i]!, piece.headers?.[i])
    const size = sizeOf(message)
    if (messages.length > 0 && bytes + size > sendBytes()) {
      yield { messages, indexes, large: false }
      messages = []
      indexes = []
      bytes = 0
    }
    if (size > sendBytes()) {
      yield { messages: [message], indexes: [index], large: true }
      continue
    }
    messages.push(message)
    indexes.push(index)
    bytes += size
  }
  if (messages.length > 0) yield { messages, indexes, large: false }
}

function refusal(value: Buffer | null, key: WireText | null, id: string, maxMessage: number, topic: TopicSettings) {
  if (value && value.length > maxMessage)
    return {
      code: 'too_large',
      message: `its value has ${value.length} bytes, more than max_message (${maxMessage})`,
    }
  if (key === null && topic.compacted)
    return { code: 'null_key', message: 'it has no key, and the topic is compacted, so each message needs one' }
  if (!id.isWellFormed()) return { code: 'bad_text', message: `its id: ${halfPair}` }
  return undefined
}

function messageOf(
  topic: string,
  value: Buffer | null,
  key: WireText | null,
  id: string,
  headers: Headers | null | undefined,
): Message {
  const all = new Map<Buffer, Buffer | null>([[idHeaderBytes, Buffer.from(id)]])
  for (const [name, text] of headers ?? [])
    if (name !== idHeader) all.set(wireBytes(name), text === null ? null : wireBytes(text))
  return { topic, value, headers: all, key: key === null ? null : wireBytes(key) }
}

const idHeaderBytes = Buffer.from(idHeader)

/** The maximum size of a message in a batch, uncompressed. */
export function sizeOf({ key, value, headers }: Message): number {
  let size = messageOverhead + (value?.length ?? 0) + (key?.length ?? 0)
  for (const [name, text] of headers) size += name.length + (text?.length ?? 0)
  return size
}
