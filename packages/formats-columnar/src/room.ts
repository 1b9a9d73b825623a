/** What the pages or buffers of a file that are open at a time may take in memory. */
import { MillraceError } from '@millrace/core'

export class Room {
  /** In all. */
  readonly bytes: number
  private left: number

  constructor(bytes: number) {
    this.bytes = this.left = bytes
  }

  /** What is not taken. */
  get free(): number {
    return this.left
  }

  /** Before the memory is asked for. Throws `MillraceError` `too_expanded`. */
  take(bytes: number): void {
    if (bytes > this.left)
      throw new MillraceError(
        'too_expanded',
        `the pages or buffers that are read at a time have more than max_expanded (${this.bytes} bytes)`,
      )
    this.left -= bytes
  }

  give(bytes: number): void {
    this.left += bytes
  }
}
