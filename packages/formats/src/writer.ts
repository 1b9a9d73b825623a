/**
 * Records to bytes: the interface of every format's writer.
 *
 * A writer makes the bytes of one file and does no I/O. Encoded bytes are taken in chunks (`take`), and the trailer
 * comes with `finish`. Files of text formats can be truncated to any length that was taken and continued by a new
 * writer; the others are complete only when finished.
 */
import type { Row } from '@millrace/core'

/** A row that its format cannot store, by index into the rows of the `write` that refused it. */
export interface RefusedRow {
  readonly index: number
  readonly code: string
  readonly message: string
  readonly field?: string
}

/** The result of a write. */
export interface Written {
  /** How many rows were handled, including refused ones. */
  readonly taken: number
  readonly refused?: readonly RefusedRow[] | undefined
}

/** Encodes the rows of one file. */
export interface RecordWriter {
  /** The file may be truncated to a length that was taken, and continued by a writer made with `continued: true`. */
  readonly append: boolean
  /** Encodes rows, in order, and stops after the one with which `size` reaches `most`; at least one. */
  write(rows: readonly Row[], most?: number): Written
  /** How many bytes can be taken. Cheap. */
  readonly pendingBytes: number
  /** By how many bytes the file grows with everything not taken so far; approximate if rows are buffered. */
  readonly size: number
  /** Approximate memory of rows that are buffered before they become bytes. Absent: there are none. */
  readonly heldBytes?: number
  /** Encodes the buffered rows. */
  cut?(): void
  /**
   * Encoded bytes not taken so far: all of them for append formats, the next finished ones for others. Empty: there are
   * none. They are lent: valid until the next call of the writer, so that a stream of files leaves no garbage outside
   * V8's heap, which it would not notice in time.
   */
  take(): Uint8Array
  /** The rest, with the trailer. The writer cannot be used afterwards. */
  finish(): Uint8Array
}
