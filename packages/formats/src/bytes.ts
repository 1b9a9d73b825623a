/** A byte buffer that grows and is reused from its start after it was emptied, so that encoding makes no garbage. */
export class OutputBytes {
  buffer: Buffer
  view: DataView
  /** Where the next byte goes. */
  at = 0

  constructor(size = 16 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(size)
    this.view = new DataView(this.buffer.buffer, 0, size)
  }

  /** Makes room for `more` bytes. */
  grow(more: number): void {
    if (this.buffer.length - this.at >= more) return
    const buffer = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + more))
    this.buffer.copy(buffer, 0, 0, this.at)
    this.buffer = buffer
    this.view = new DataView(buffer.buffer, 0, buffer.length)
  }

  /** Appends a text as UTF-8. */
  text(text: string): void {
    this.grow(text.length * 3)
    this.at += this.buffer.write(text, this.at, 'utf8')
  }

  byte(value: number): void {
    this.grow(1)
    this.buffer[this.at++] = value
  }

  bytes(bytes: Uint8Array): void {
    this.grow(bytes.length)
    this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Little-endian, as all numbers here. */
  int32(value: number): void {
    this.grow(4)
    this.view.setInt32(this.at, value, true)
    this.at += 4
  }

  /** A whole number within 2^53, as 64 bits. */
  int64(value: number): void {
    this.grow(8)
    const high = Math.floor(value / 4294967296)
    this.view.setUint32(this.at, value - high * 4294967296, true)
    this.view.setInt32(this.at + 4, high, true)
    this.at += 8
  }

  bigint64(value: bigint): void {
    this.grow(8)
    this.view.setBigInt64(this.at, value, true)
    this.at += 8
  }

  float64(value: number): void {
    this.grow(8)
    this.view.setFloat64(this.at, value, true)
    this.at += 8
  }

  /** The bytes so far; valid until the next change. */
  seen(): Buffer {
    return this.buffer.subarray(0, this.at)
  }

  clear(): void {
    this.at = 0
  }

  /** Returns the bytes so far and empties the buffer. They are lent: the next bytes overwrite them. */
  lend(): Buffer {
    const bytes = this.seen()
    this.at = 0
    return bytes
  }

  /** Returns a copy of the bytes so far and empties the buffer. */
  take(): Uint8Array {
    const bytes = Buffer.from(this.buffer.subarray(0, this.at))
    this.at = 0
    return bytes
  }
}

/** Finished pieces of bytes, to be taken in chunks. */
export class Pieces {
  private pieces: Uint8Array[] = []
  private first = 0
  bytes = 0

  push(bytes: Uint8Array): void {
    this.pieces.push(bytes)
    this.bytes += bytes.length
  }

  /** The next pieces, joined up to about 1 MiB; empty: there are none. */
  take(): Uint8Array {
    const { pieces, first } = this
    let length = 0
    let end = first
    while (end < pieces.length && length < 1024 * 1024) length += pieces[end++]!.length
    const taken = end === first + 1 ? pieces[first]! : Buffer.concat(pieces.slice(first, end), length)
    for (let k = first; k < end; k++) pieces[k] = nothing
    this.first = end
    this.bytes -= length
    if (end === pieces.length) {
      this.pieces = []
      this.first = 0
    }
    return taken
  }

  /** All of them. */
  takeAll(): Uint8Array {
    const all = Buffer.concat(this.pieces.slice(this.first))
    this.pieces = []
    this.first = this.bytes = 0
    return all
  }
}

const nothing = new Uint8Array(0)
