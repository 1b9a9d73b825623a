/**
 * Sends in order, several concurrently. An acknowledged send is released, unless an earlier one is still pending.
 *
 * A rejected send has an unknown outcome: its messages may be in the topic. So once the others have settled, a new
 * producer repeats, one after the other, every send from the rejected one on, including acknowledged ones: the last
 * value of a key stays last, and duplicates have the same id.
 */
import { type TopicWriter, kafkaCodes, type Message } from '@millrace/client-kafka'
import { unlessAborted } from '@millrace/core'

export interface Sending {
  /**
   * Returns when the messages are in flight. Throws if earlier ones were rejected, and rejected again when repeated.
   */
  send(messages: readonly Message[], signal: AbortSignal): Promise<void>
  /** Sends a message that may be too large for the topic, on its own. False: it is too large. */
  offer(message: Message, signal: AbortSignal): Promise<boolean>
  /** Returns when everything is acknowledged. */
  drain(signal: AbortSignal): Promise<void>
}

interface Send {
  readonly messages: readonly Message[]
  /** `waiting`: to be repeated, after an earlier one. */
  state: 'open' | 'done' | 'rejected' | 'waiting'
  error: Error | undefined
  settled: Promise<void>
}

const doing = 'waiting for the brokers to acknowledge messages'

/** `inFlight`: how many sends are kept, from the first unacknowledged one on. */
export function createSending(client: Pick<TopicWriter, 'send' | 'renew'>, inFlight: number): Sending {
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
  const add = (messages: readonly Message[]): Send => {
    const send: Send = { messages, state: 'open', error: undefined, settled: Promise.resolve() }
    window.push(send)
    start(send)
    return send
  }
  const until = (settled: Promise<unknown>, signal: AbortSignal) => unlessAborted(settled, signal, doing)

  /** Repeats from the first rejected one on; throws if it is rejected again. */
  const mend = async (signal: AbortSignal) => {
    if (!window.some(({ state }) => state === 'rejected' || state === 'waiting')) return
    await until(Promise.all(window.map(({ settled }) => settled)), signal)
    letGo()
    for (const send of window) send.state = 'waiting'
    await until(client.renew(), signal)
    while (window.length > 0) {
      const first = window[0]!
      start(first)
      await until(first.settled, signal)
      if (first.error) throw first.error
    }
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
      add(messages)
    },
    async offer(message, signal) {
      await drain(signal)
      const send = add([message])
      await until(send.settled, signal)
      if (!kafkaCodes(send.error).has('MESSAGE_TOO_LARGE')) return true
      window.length = 0
      await until(client.renew(), signal)
      return false
    },
    drain,
  }
}
