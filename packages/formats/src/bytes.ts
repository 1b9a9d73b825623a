/** Bytes under way: one buffer that grows, is filled from its start and taken in copies, so that encoding makes no garbage. */
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

  take(): Uint8Array {
    const bytes = Buffer.from(this.buffer.subarray(0, this.at))
    this.at = 0
    return bytes
  }
}
