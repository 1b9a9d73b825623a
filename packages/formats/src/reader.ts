/**
 * Bytes to records: what every format's reader looks like, and what it reads from.
 *
 * A reader knows nothing of files, folders or splits: it gets the bytes of one input, already decompressed, and yields
 * pieces of rows. A piece is a batch without its split; its position is where the reader resumes in this input. What
 * tells one input from another (a hash of its beginning) is added by packages/client-files/src/identity.ts.
 */
import type { Batch, Json, Push, RecordType, Row, Tally } from '@millrace/core'

/** The bytes of one input, decompressed. */
export interface ByteSource {
  /** Bytes in all; known only where random access exists. */
  readonly size?: number
  /**
   * The bytes from offset `from` on. Each chunk is a buffer of its own that is never written again, so that rows and
   * raw bytes may point into it. A chunk of no bytes is a pause: nothing more is there for now, so a reader must hand
   * out all records that are complete.
   */
  stream(from: number, signal: AbortSignal): AsyncIterable<Uint8Array>
  /**
   * The bytes of `start` to `end`; fewer only at the end of the input. Rejects with `MillraceError` `no_random_access`
   * where `size` is undefined.
   */
  slice(start: number, end: number): Promise<Uint8Array>
}

/**
 * A batch without its split. `position` is the resume point inside this input: small JSON of the reader's own. The last
 * piece need not say `end`.
 */
export interface Piece extends Omit<Batch, 'split'> {}

/** What every reader gets beside its format's own options. */
export interface ReadOptions {
  /** The declared type of the decoded record, before any push. */
  readonly schema: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  /**
   * Projection, renames and date conversion to be done while reading. Readers that can't leave the connector's
   * `capabilities.pushdown` out.
   */
  readonly push?: Push | undefined
  /** Where it is counted which fields are left out. */
  readonly tally?: Tally | undefined
}

/**
 * Reads one format. A reader may be used for many inputs, also side by side; `create...` does no I/O and throws only
 * for options that contradict.
 */
export interface RecordReader {
  /**
   * Yields pieces of about 1,000 rows in order, from the position `at` of an earlier piece, or from the beginning. Bad
   * records are listed in `Piece.bad`; thrown is only what no record can be blamed for (`MillraceError`: a missing
   * column, a broken file) and what the input throws.
   */
  read(input: ByteSource, at: Json | undefined, signal: AbortSignal): AsyncIterable<Piece>
  /**
   * Decodes one record's original bytes again, for dead-letter replay, without `push`. `context` is `Piece.context`.
   * Throws `DataError`.
   */
  decode?(bytes: Uint8Array, context: Json | undefined): Row
}

/** The chunks that hold bytes, for readers that need not know of pauses. */
export async function* withoutPauses(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) if (chunk.length > 0) yield chunk
}

/** An input that is in memory already: for tests, and for formats that read one record at a time. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async *stream(from, signal) {
      signal.throwIfAborted()
      if (from < bytes.length) yield bytes.subarray(from)
    },
    slice: (start, end) => Promise.resolve(bytes.subarray(start, end)),
  }
}
