/**
 * Sends in order, several concurrently. An acknowledged send is released, unless an earlier one is still pending.
 *
 * A rejected send has an unknown outcome: its messages may be in the topic. So once the others have settled, a new
 * producer repeats, one after the other, every send from the rejected one on, including acknowledged ones: the last
 * value of a key stays last, and duplicates have the same id. Of these, one that is too large for the topic is halved
 * until it is accepted or a single message.
 */
import { type TopicWriter, kafkaCodes, type Message } from '@millrace/client-kafka'
import { SystemError, unlessAborted } from '@millrace/core'

export interface Sending {
  /**
   * Returns when the messages are in flight. Throws if earlier ones were rejected, and rejected again when repeated.
   */
  send(messages: readonly Message[], signal: AbortSignal): Promise<void>
  /** Returns when everything is acknowledged or refused. */
  drain(signal: AbortSignal): Promise<void>
}

/** What happens to sends that are too large for the topic. */
export interface Refusals {
  /** Several messages are too large as a batch; they are sent again as two halves. */
  halved(messages: readonly Message[]): void
  /** A message is too large by itself. It is dropped, unless this throws. */
  tooLarge(message: Message, error: Error): void
}

interface Send {
  readonly messages: readonly Message[]
  /** `waiting`: to be repeated, after an earlier one. */
  state: 'open' | 'done' | 'rejected' | 'waiting'
  error: Error | undefined
  settled: Promise<void>
}

/** The batch is larger than `max.message.bytes`, or than a segment of the log. */
const tooLarge = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']
const doing = 'waiting for the brokers to acknowledge messages'

/** `inFlight`: how many sends are kept, from the first unacknowledged one on. */
export function createSending(
  client: Pick<TopicWriter, 'send' | 'renew'>,
  inFlight: number,
  refusals: Refusals,
): Sending {
  const window: Send[] = []

  const letGo = () => {
    while (window[0]?.state === 'done') window.shift()
  }
  const start = (send: Send) => {
    send.state = 'open'
    send.error = undefined
    send.settled = client.send(send.messages).then(
      () => {
        send.state = 'done'
        letGo()
      },
      (error: Error) => {
        send.state = 'rejected'
        send.error = error
      },
    )
  }
  const sendOf = (messages: readonly Message[]): Send => ({
    messages,
    state: 'waiting',
    error: undefined,
    settled: Promise.resolve(),
  })
  const until = (settled: Promise<unknown>, signal: AbortSignal) => unlessAborted(settled, signal, doing)

  /** Repeats from the first rejected one on; throws if it is rejected again. */
  const mend = async (signal: AbortSignal) => {
    if (!window.some(({ state }) => state === 'rejected' || state === 'waiting')) return
    await until(Promise.all(window.map(({ settled }) => settled)), signal)
    letGo()
    const rejection = window.find(({ error }) => error)?.error
    for (const send of window) send.state = 'waiting'
    // What will be refused again is not repeated: a new producer may wait long for a topic that does not exist.
    if (!reduceFirst() && rejection instanceof SystemError && !rejection.retry) throw rejection
    await until(client.renew(rejection, signal), signal)
    while (window.length > 0) {
      const first = window[0]!
      start(first)
      await until(first.settled, signal)
      if (!first.error) continue
      if (!reduceFirst()) throw first.error
      await until(client.renew(first.error, signal), signal)
    }
  }

  /** If the first send was too large, its halves replace it. */
  const reduceFirst = (): boolean => {
    const { messages, error } = window[0] ?? {}
    if (!messages || !tooLarge.some((code) => kafkaCodes(error).has(code))) return false
    const middle = Math.ceil(messages.length / 2)
    if (messages.length === 1) {
      refusals.tooLarge(messages[0]!, error!)
      window.shift()
    } else {
      refusals.halved(messages)
      window.splice(0, 1, sendOf(messages.slice(0, middle)), sendOf(messages.slice(middle)))
    }
    return true
  }

  const drain = async (signal: AbortSignal) => {
    while (window.length > 0) {
      await until(Promise.all(window.map(({ settled }) => settled)), signal)
      await mend(signal)
    }
  }

  return {
    async send(messages, signal) {
      await mend(signal)
      while (window.length >= inFlight) {
        await until(window[0]!.settled, signal)
        await mend(signal)
      }
      const send = sendOf(messages)
      window.push(send)
      start(send)
    },
    drain,
  }
}
