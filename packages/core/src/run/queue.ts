/**
 * What waits for one sink: records, and the cuts between epochs. One producer (the transforms), one consumer (the sink's writer).
 * Consumed slots are cleared at once, so that rows are let go as soon as they are written; the array is compacted now and then instead of shifted.
 */
import { Records } from '../record.ts'
import type { Cut } from './epoch.ts'

export type Item = { readonly records: Records; readonly bytes: number } | { readonly cut: Cut }

/** A small write costs nearly as much as a full one: records are gathered up to this many rows. */
const gatherRows = 1000

export class Queue {
  private items: (Item | undefined)[] = []
  private head = 0
  /** What belongs behind the next cut. */
  private later: Item[] = []
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

  /** Records of the epoch after a cut that is still to be pushed. */
  pushBehindCut(item: Extract<Item, { records: Records }>): void {
    this.later.push(item)
    this.count(item)
  }

  private count({ records, bytes }: Extract<Item, { records: Records }>): void {
    this.rows += records.length
    this.bytes += bytes
  }

  /** The next item: a cut, or records gathered from the head of the queue. Undefined: closed. */
  async take(): Promise<Item | undefined> {
    while (this.head === this.items.length) {
      if (this.closed) return undefined
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.wake = undefined
    }
    const first = this.pop()
    if ('cut' in first || first.records.length >= gatherRows) return first
    const sets = [first.records]
    let { bytes } = first
    let rows = first.records.length
    for (
      let next = this.items[this.head];
      next && 'records' in next && rows + next.records.length <= gatherRows;
      next = this.items[this.head]
    ) {
      this.pop()
      sets.push(next.records)
      bytes += next.bytes
      rows += next.records.length
    }
    return { records: Records.concat(sets), bytes }
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

  /** The rows of an item are with the sink. */
  release(rows: number, bytes: number): void {
    this.rows -= rows
    this.bytes -= bytes
  }

  close(): void {
    this.closed = true
    this.wake?.()
  }
}
