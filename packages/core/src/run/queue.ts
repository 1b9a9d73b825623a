/**
 * The queue of one sink: records, and the barriers between epochs. One producer (the graph), one consumer (the sink's
 * writer). Consumed slots are cleared immediately, so that rows can be garbage collected as soon as they are written;
 * the array is compacted now and then instead of shifted.
 */
import { Records } from '../record/index.ts'
import type { Barrier } from './barrier.ts'

/**
 * `bytes`: their share of what was read. `ready`: resolves when the order that they depend on is durable; absent: they
 * depend on none.
 */
export interface QueuedRecords {
  readonly records: Records
  readonly bytes: number
  readonly ready?: (() => Promise<void> | undefined) | undefined
}

export type Item = QueuedRecords | { readonly barrier: Barrier }

/** A small write costs nearly as much as a large one, so records are gathered up to this many rows. */
const gatherRows = 1000
const gatherBytes = 4 << 20

export class Queue {
  private items: (Item | undefined)[] = []
  private head = 0
  /** Records that belong after the next barrier. */
  private later: QueuedRecords[] = []
  private wake: (() => void) | undefined
  private closed = false
  /** Rows and bytes that were pushed and not yet released. */
  rows = 0
  bytes = 0

  push(item: Item): void {
    this.items.push(item)
    if ('records' in item) this.count(item)
    else {
      for (const later of this.later) this.items.push(later)
      this.later = []
    }
    this.wake?.()
  }

  /** Records of the epoch after a barrier that has not been pushed yet. */
  pushBehindBarrier(item: QueuedRecords): void {
    this.later.push(item)
    this.count(item)
  }

  private count({ records, bytes }: QueuedRecords): void {
    this.rows += records.length
    this.bytes += bytes
  }

  /** The next item: a barrier, or records gathered from the head of the queue. Undefined: closed. */
  async take(): Promise<Item | undefined> {
    while (this.head === this.items.length) {
      if (this.closed) return undefined
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.wake = undefined
    }
    const first = this.pop()
    if ('barrier' in first || first.records.length >= gatherRows || first.bytes >= gatherBytes) return first
    const sets = [first.records]
    let { bytes, ready } = first
    let rows = first.records.length
    for (;;) {
      const next = this.items[this.head]
      if (!next || 'barrier' in next) break
      if (rows + next.records.length > gatherRows || bytes + next.bytes > gatherBytes) break
      this.pop()
      sets.push(next.records)
      bytes += next.bytes
      rows += next.records.length
      // The order of later records is never durable before that of earlier ones.
      ready = next.ready ?? ready
    }
    return { records: Records.concat(sets), bytes, ready }
  }

  private pop(): Item {
    const item = this.items[this.head]!
    this.items[this.head++] = undefined
    if (this.head === this.items.length) {
      this.items = []
      this.head = 0
    } else if (this.head > 1024) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }

  /** The rows of an item were written. */
  release(rows: number, bytes: number): void {
    this.rows -= rows
    this.bytes -= bytes
  }

  close(): void {
    this.closed = true
    this.wake?.()
  }
}
