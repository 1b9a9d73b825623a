/**
 * Sends objects and parts in the background, a bounded number at once. One that fails stays in the queue: whoever next
 * waits for room or for the end makes one more attempt and gets its error, so that pauses and their end are the
 * engine's.
 */
import { unlessAborted } from '@millrace/core'

/** Sends one thing; repeated after it has thrown. */
export type Send = (signal: AbortSignal) => Promise<void>

/** What is being sent. */
export class SendQueue {
  private readonly most: number
  private readonly queue: Send[] = []
  private readonly stop = new AbortController()
  private active = 0
  private failure: unknown
  private waiting: (() => void)[] = []

  /** `most`: how many are sent at once. */
  constructor(most: number) {
    this.most = most
  }

  add(send: Send): void {
    this.queue.push(send)
    this.next()
  }

  /** Another one may be added. */
  get hasRoom(): boolean {
    return this.failure === undefined && this.queue.length + this.active < this.most
  }

  /** Resolves when another one may be added. Throws the `SystemError` of one that failed again. */
  room(signal: AbortSignal): Promise<void> {
    return this.wait(() => this.queue.length + this.active < this.most, signal)
  }

  /** Resolves when all are sent. Throws the `SystemError` of one that failed again. */
  settle(signal: AbortSignal): Promise<void> {
    return this.wait(() => this.queue.length + this.active === 0, signal)
  }

  close(): void {
    this.stop.abort()
  }

  private async wait(isEnough: () => boolean, signal: AbortSignal): Promise<void> {
    if (this.failure !== undefined) {
      this.failure = undefined
      this.next()
    }
    while (!isEnough()) {
      if (this.failure !== undefined) throw this.failure
      const changed = new Promise<void>((resolve) => this.waiting.push(resolve))
      await unlessAborted(changed, signal, 'sending parts of objects')
    }
  }

  private next(): void {
    while (this.failure === undefined && this.active < this.most && this.queue.length > 0) {
      this.active++
      void this.send(this.queue.shift()!)
    }
  }

  private async send(send: Send): Promise<void> {
    try {
      await send(this.stop.signal)
    } catch (error) {
      this.failure ??= error
      this.queue.unshift(send)
    }
    this.active--
    this.next()
    const { waiting } = this
    this.waiting = []
    for (const wake of waiting) wake()
  }
}
