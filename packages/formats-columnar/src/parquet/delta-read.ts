/**
 * Reads whole numbers as Parquet's deltas
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5), as many at
 * a time as requested. Sums wrap as the type does, so it does not matter in how many bits a writer counts.
 */
import { broken } from './broken.ts'
import { unpack } from './hybrid-read.ts'

const most = 65_536

export class DeltaReader {
  /** How many values there are in total. */
  readonly total: number
  private readonly bytes: Uint8Array
  private readonly end: number
  private at: number
  private readonly blocks: number
  private readonly perBlock: number
  private given = 0
  private small: number
  private big: bigint
  private least = 0n
  private leastSmall = 0
  private widths = 0
  private block: number
  private left = 0
  private width = 0
  private base = 0
  private bit = 0

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
    const size = Number(this.varint())
    this.blocks = Number(this.varint())
    this.total = Number(this.varint())
    this.perBlock = size / this.blocks
    if (size > most || this.blocks === 0 || this.perBlock === 0 || this.perBlock % 8 !== 0)
      throw broken('delta-encoded values are malformed')
    this.big = this.zigzag()
    this.small = Number(BigInt.asIntN(32, this.big))
    this.block = this.blocks
  }

  /** The next `n` values of 32 bits. */
  int32(n: number): Int32Array {
    const out = new Int32Array(n)
    this.need(n)
    for (let i = 0; i < n; i++) {
      if (this.given++ > 0) {
        if (this.left === 0) this.nextBlock(this.rest())
        this.small =
          (this.small + this.leastSmall + unpack(this.bytes, this.base, this.bit, Math.min(this.width, 32))) | 0
        this.bit += this.width
        this.left--
      }
      out[i] = this.small
    }
    return out
  }

  /** The next `n` values of 64 bits. */
  int64(n: number): BigInt64Array {
    const out = new BigInt64Array(n)
    this.need(n)
    for (let i = 0; i < n; i++) {
      if (this.given++ > 0) this.big = BigInt.asIntN(64, this.big + this.next64() + this.least)
      out[i] = this.big
    }
    return out
  }

  /** The byte after all values; call it only before any is read. */
  endOfAll(): number {
    const { at, block } = this
    for (let left = this.total - 1; left > 0; left -= this.perBlock) this.nextBlock(Math.min(left, this.perBlock))
    const end = this.at
    Object.assign(this, { at, block, left: 0 })
    return end
  }

  private need(n: number): void {
    if (n > this.total - this.given) throw broken('there are fewer deltas than values')
  }

  /** How many values of the next block are read. */
  private rest(): number {
    return Math.min(this.perBlock, this.total - this.given + 1)
  }

  private next64(): bigint {
    if (this.left === 0) this.nextBlock(this.rest())
    const { bytes, base, bit, width } = this
    const low = unpack(bytes, base, bit, Math.min(width, 32)) >>> 0
    this.bit += width
    this.left--
    return width <= 32 ? BigInt(low) : (BigInt(unpack(bytes, base, bit + 32, width - 32) >>> 0) << 32n) | BigInt(low)
  }

  /** `needed`: values of the block that are read; the others may be cut off. */
  private nextBlock(needed: number): void {
    if (this.block === this.blocks) {
      this.least = this.zigzag()
      this.leastSmall = Number(BigInt.asIntN(32, this.least))
      this.widths = this.at
      this.at += this.blocks
      this.block = 0
      if (this.at > this.end) throw broken('deltas end early')
    }
    this.width = this.bytes[this.widths + this.block++]!
    if (this.width > 64 || (needed * this.width) / 8 > this.end - this.at) throw broken('deltas end early')
    this.left = this.perBlock
    this.base = this.at
    this.bit = 0
    this.at = Math.min(this.end, this.at + (this.perBlock * this.width) / 8)
  }

  private varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= this.end) throw broken('deltas end early')
      const byte = this.bytes[this.at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw broken('delta-encoded values are malformed')
  }

  private zigzag(): bigint {
    const value = this.varint()
    return (value >> 1n) ^ -(value & 1n)
  }
}
