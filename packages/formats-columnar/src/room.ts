/** How much memory the open pages or buffers of a file may take. */
import { MillraceError } from '@millrace/core'

/** The error for more bytes at a time than `max_expanded` allows. */
export const tooExpanded = (what: string, most: number): MillraceError =>
  new MillraceError('too_expanded', `${what} take more than max_expanded (${most} bytes)`)

export class Room {
  /** In total. */
  readonly bytes: number
  private left: number

  constructor(bytes: number) {
    this.bytes = this.left = bytes
  }

  /** What is still free. */
  get free(): number {
    return this.left
  }

  /** Called before memory is allocated. Throws `MillraceError` `too_expanded`. */
  take(bytes: number): void {
    if (bytes > this.left) throw tooExpanded('the pages or buffers that are read at a time', this.bytes)
    this.left -= bytes
  }

  give(bytes: number): void {
    this.left += bytes
  }
}
