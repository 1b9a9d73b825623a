/** Reads Parquet's hybrid of run lengths and bit packing (see hybrid.ts), as many values at a time as requested. */
import { broken } from './broken.ts'

/** `width` bits, at most 32, lowest first, beginning `bit` bits after the start of byte `base`. */
export function unpack(bytes: Uint8Array, base: number, bit: number, width: number): number {
  const at = base + Math.floor(bit / 8)
  const shift = bit & 7
  let value = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> shift
  if (shift + width > 32) value |= bytes[at + 4]! << (32 - shift)
  return width === 32 ? value >>> 0 : value & ((1 << width) - 1)
}

export class HybridReader {
  private readonly bytes: Uint8Array
  private readonly end: number
  private readonly width: number
  private at: number
  /** How many values of the run are left, and what it consists of. */
  private left = 0
  private isPacked = false
  private value = 0
  private base = 0
  private bit = 0

  constructor(bytes: Uint8Array, at: number, end: number, width: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
    this.width = width
  }

  /** The next `n` values, into the beginning of `out`. */
  read(out: Int32Array, n: number): void {
    const { bytes, width } = this
    for (let i = 0; i < n; ) {
      if (this.left === 0) this.nextRun()
      const take = Math.min(this.left, n - i)
      if (this.isPacked) {
        let { bit } = this
        for (const end = i + take; i < end; i++, bit += width) out[i] = unpack(bytes, this.base, bit, width)
        this.bit = bit
      } else {
        out.fill(this.value, i, i + take)
        i += take
      }
      this.left -= take
    }
  }

  /** Takes the next `n` values if they are in one run of `value`. */
  takeRun(value: number, n: number): boolean {
    if (this.left === 0) this.nextRun()
    if (this.isPacked || this.value !== value || this.left < n) return false
    this.left -= n
    return true
  }

  private nextRun(): void {
    const { bytes, end, width } = this
    while (this.left === 0) {
      let head = 0
      for (let factor = 1; ; factor *= 128) {
        if (this.at >= end || factor > 2 ** 28) throw broken('runs of values end early')
        const byte = bytes[this.at++]!
        head += (byte & 127) * factor
        if (byte < 128) break
      }
      this.isPacked = head % 2 === 1
      if (this.isPacked) {
        // The last group may be cut off after its last value.
        const length = Math.floor(head / 2) * width
        const there = Math.min(length, end - this.at)
        this.left = width === 0 ? Math.floor(head / 2) * 8 : Math.floor((there * 8) / width)
        this.base = this.at
        this.bit = 0
        this.at += there
      } else {
        const size = (width + 7) >> 3
        if (size > end - this.at) throw broken('runs of values end early')
        this.left = head / 2
        this.value = 0
        for (let i = 0; i < size; i++) this.value |= bytes[this.at++]! << (8 * i)
      }
    }
  }
}
