/** Encoded records as messages, grouped into sends that the topic accepts. */
import type { WriteFailure } from '@millrace/core'
import { type EncodedValues, idHeader } from '@millrace/kinds'
import { halfPair } from '@millrace/formats'
import type { Message, TopicSettings } from '@millrace/client-kafka'

/** Messages to be sent together; `end`: the index in the write of the first record after them. */
export interface Cut {
  readonly messages: readonly Message[]
  readonly end: number
  /** A single message that may be too large for the topic. */
  readonly large: boolean
}

/** A send is one batch per partition, and a topic accepts batches up to its `max.message.bytes`, by default 1 MiB. */
const sendBytes = 1024 * 1024
/** The maximum overhead of a message and of a batch. */
const messageOverhead = 64
const batchOverhead = 128

/** The messages of a piece, in order. Those that the topic can never accept go to `failures`. */
export function* cutMessages(
  piece: EncodedValues,
  o: { readonly stream: string; readonly max_message: number },
  topic: TopicSettings,
  failures: WriteFailure[],
): Generator<Cut> {
  const { indexes, starts, ends, keys } = piece
  const ids = piece.records.ids()
  // The piece is lent, and a message may have to be sent again.
  const body = Buffer.from(piece.body)
  const most = Math.min(sendBytes, topic.maxMessageBytes - batchOverhead)
  let messages: Message[] = []
  let bytes = 0
  for (const [i, index] of indexes.entries()) {
    const value = body.subarray(starts[i], ends[i])
    const wrong = refusal(value, keys[i]!, ids[i]!, o.max_message, topic)
    if (wrong) {
      failures.push({ index, kind: 'data', ...wrong })
      continue
    }
    const message = messageOf(o.stream, value, keys[i]!, ids[i]!, piece.headers?.[i])
    const size = sizeOf(message)
    if (messages.length > 0 && bytes + size > most) {
      yield { messages, end: index, large: false }
      messages = []
      bytes = 0
    }
    if (size > most && size > topic.maxMessageBytes - batchOverhead) {
      yield { messages: [message], end: index + 1, large: true }
      continue
    }
    messages.push(message)
    bytes += size
  }
  if (messages.length > 0) yield { messages, end: indexes.at(-1)! + 1, large: false }
}

function refusal(value: Buffer, key: string | null, id: string, maxMessage: number, topic: TopicSettings) {
  if (value.length > maxMessage)
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
  value: Buffer,
  key: string | null,
  id: string,
  headers: Readonly<Record<string, string>> | null | undefined,
): Message {
  const more: Record<string, Buffer> = { [idHeader]: Buffer.from(id) }
  for (const [name, text] of Object.entries(headers ?? {})) if (name !== idHeader) more[name] = Buffer.from(text)
  return { topic, value, headers: more, key: key === null ? undefined : Buffer.from(key) }
}

function sizeOf({ key, value, headers }: Message): number {
  let size = messageOverhead + value.length + (key?.length ?? 0)
  for (const name in headers) size += name.length * 3 + headers[name]!.length
  return size
}
