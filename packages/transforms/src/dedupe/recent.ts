/**
 * The most recently added keys, up to a limit, and how they are saved.
 *
 * Keys are numbered from 0 as they are added. They are saved in blocks of 100, each `[number of its first key, number
 * of the oldest remembered key, key, key, ...]`, so a save writes few entries and deletes a block when all its keys are
 * forgotten. Every change writes the last block, whose oldest number is that of the whole set: it can be restored
 * without knowing the limit at the time.
 */

/** null is the key of a record whose only key field is null. */
export type Key = string | null

/** Small, since an incomplete block is written again by every save. */
const blockSize = 100

const blockOf = (number: number): number => Math.floor(number / blockSize)

type Block = readonly [first: number, oldest: number, ...keys: Key[]]

export class Recent {
  private readonly most: number
  /** In insertion order. */
  private readonly keys = new Set<Key>()
  /**
   * Iterates over the keys, the oldest next. Created when the first key is forgotten: an earlier one would keep a
   * smaller set alive.
   */
  private oldestKey: Iterator<Key> | undefined
  /** The number of the next key. */
  private next = 0
  /** Keys below this number are saved. */
  private saved = 0
  /** Blocks from the first to before the end are saved. */
  private firstBlock = 0
  private endBlock = 0
  /** The keys from number `tailStart` on: those not saved yet, and those before them in an incomplete block. */
  private tail: Key[] = []
  private tailStart = 0

  /** `most`: how many keys are remembered. */
  constructor(most: number) {
    this.most = most
  }

  has(key: Key): boolean {
    return this.keys.has(key)
  }

  /** Adds a key that is not remembered. */
  add(key: Key): void {
    if (this.keys.size === this.most) {
      this.oldestKey ??= this.keys.values()
      this.keys.delete(this.oldestKey.next().value as Key)
    }
    this.keys.add(key)
    this.tail.push(key)
    this.next++
  }

  /** How many blocks `cut` would return now. */
  changes(): number {
    const { keep, from, to } = this.changed()
    return keep - this.firstBlock + to - from
  }

  /** The blocks that changed since the last call; null: all its keys are forgotten. */
  cut(): [block: number, text: string | null][] {
    const changes: [number, string | null][] = []
    const { keep, from, to, oldest } = this.changed()
    for (let block = this.firstBlock; block < keep; block++) changes.push([block, null])
    for (let block = from; block < to; block++) {
      const first = Math.max(oldest, block * blockSize)
      const keys = this.tail.slice(first - this.tailStart, (block + 1) * blockSize - this.tailStart)
      changes.push([block, JSON.stringify([first, oldest, ...keys] satisfies Block)])
    }
    this.firstBlock = Math.max(this.firstBlock, blockOf(oldest))
    this.endBlock = Math.max(this.endBlock, to)
    this.saved = this.next
    const full = blockOf(this.next) * blockSize
    if (full > this.tailStart) {
      this.tail = this.tail.slice(full - this.tailStart)
      this.tailStart = full
    }
    return changes
  }

  /** Blocks before `keep` are removed; those from `from` to before `to` are written. */
  private changed() {
    const oldest = this.next - this.keys.size
    const keep = Math.max(this.firstBlock, Math.min(blockOf(oldest), this.endBlock))
    const isSaved = this.saved === this.next
    const from = Math.max(blockOf(oldest), blockOf(this.saved))
    return { oldest, keep, from, to: isSaved ? from : blockOf(this.next - 1) + 1 }
  }

  /**
   * Continues with saved blocks, in any order; if they have more keys than are remembered now, the oldest are
   * forgotten.
   */
  restore(saved: readonly (readonly [block: number, text: string])[]): void {
    const blocks = saved.map(([block, text]) => ({ block, text: JSON.parse(text) as Block }))
    blocks.sort((a, b) => a.block - b.block)
    const newest = blocks.at(-1)
    if (!newest) return
    const [start, wasOldest, ...tail] = newest.text
    this.tail = tail
    this.tailStart = start
    this.next = start + tail.length
    const oldest = Math.max(wasOldest, this.next - this.most)
    for (const { text } of blocks) {
      const [first, , ...keys] = text
      for (let k = Math.max(0, oldest - first); k < keys.length; k++) this.keys.add(keys[k]!)
    }
    this.firstBlock = blocks[0]!.block
    this.endBlock = newest.block + 1
    // If some were forgotten, the last block is written again, since it records the oldest.
    this.saved = oldest > wasOldest ? this.next - 1 : this.next
  }
}
