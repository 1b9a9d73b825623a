/**
 * Records to bytes: what every format's writer looks like.
 *
 * A writer makes the bytes of one file and does no I/O. What it has encoded is taken in chunks (`take`) and the trailer
 * comes with `finish`. Text formats can be cut back to any length that was taken and gone on with by a new writer; the
 * others are whole only when finished.
 */
import type { Row } from '@millrace/core'

/** A row that its format cannot hold, by index into the rows of the `write` that refused it. */
export interface RefusedRow {
  readonly index: number
  readonly code: string
  readonly message: string
  readonly field?: string
}

/** What became of rows. */
export interface Written {
  /** How many of them were dealt with, the refused ones included. */
  readonly taken: number
  readonly refused?: readonly RefusedRow[] | undefined
}

/** Encodes the rows of one file. */
export interface RecordWriter {
  /** The file may be cut back to a length that was taken, and a writer made with `continued: true` goes on there. */
  readonly append: boolean
  /** Encodes rows, in order, and stops behind the one with which `size` reaches `most`; at least one. */
  write(rows: readonly Row[], most?: number): Written
  /** How many bytes there are to be taken. Cheap. */
  readonly pendingBytes: number
  /** By how many bytes the file grows with what was not taken so far; where rows wait for others, about. */
  readonly size: number
  /** About the memory of rows that wait for others before they become bytes. Absent: there are none. */
  readonly heldBytes?: number
  /** Makes bytes of the rows that wait. */
  cut?(): void
  /**
   * Encoded bytes that were not taken so far: all of them for append formats, the next finished ones for others. Empty:
   * there are none. They are lent: valid until the next call of the writer, so that a stream of files leaves no garbage
   * outside of V8's heap, of which it would not know in time.
   */
  take(): Uint8Array
  /** All the rest, with the trailer. The writer is used up. */
  finish(): Uint8Array
}
