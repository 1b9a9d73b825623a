/**
 * Bytes to records: the interface of every format's reader, and of its input.
 *
 * A reader knows nothing of files, folders or splits: it gets the decompressed bytes of one input and yields pieces of
 * rows. A piece is a batch without its split; its position is where the reader resumes in this input.
 * packages/client-files/src/identity.ts adds what distinguishes one input from another (a hash of its beginning).
 */
import type { Batch, FieldBound, Json, Push, RecordType, Row, Tally } from '@millrace/core'

/** The bytes of one input, decompressed. */
export interface ByteSource {
  /** Total bytes; known only with random access. */
  readonly size?: number
  /**
   * Bytes may be appended later: a reader leaves out a last record without a line end, and its last piece, which may be
   * empty, has the position where that record begins.
   */
  readonly grows?: boolean
  /**
   * The bytes from offset `from` on. Each chunk is a separate buffer that is never written again, so that rows and raw
   * bytes may point into it. An empty chunk is a pause: no more bytes are available for now, so a reader must yield all
   * records that are complete.
   */
  stream(from: number, signal: AbortSignal): AsyncIterable<Uint8Array>
  /**
   * The bytes of `start` to `end`; fewer only at the end of the input. Rejects with `MillraceError` `no_random_access`
   * if `size` is undefined.
   */
  slice(start: number, end: number): Promise<Uint8Array>
}

/**
 * A batch without its split. `position` is the resume point inside this input: small JSON defined by the reader. The
 * last piece need not set `end`.
 */
export interface Piece extends Omit<Batch, 'split'> {}

/** Which records need not be read: see `skipOf`. */
export interface Skip {
  /** The step that drops them. */
  readonly step: string
  /** By fields of the schema. A record outside of one of them is dropped. */
  readonly bounds: readonly FieldBound[]
  /** All are. */
  readonly all?: boolean
}

/** The options of every reader, in addition to its format's own. */
export interface ReadOptions {
  /** The declared type of the decoded record, before any pushdown. */
  readonly schema: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  /**
   * Projection, renames and date conversion to do while reading. For readers that cannot, the connector leaves out
   * `capabilities.pushdown`.
   */
  readonly push?: Push | undefined
  /** What may be skipped, if the connector knows more than `push` says: the values in the names of folders. */
  readonly skip?: Skip | undefined
  /** Counts the fields that are left out. */
  readonly tally?: Tally | undefined
}

/**
 * Reads one format. A reader may be used for many inputs, even concurrently; `create...` does no I/O and throws only
 * for contradictory options.
 */
export interface RecordReader {
  /**
   * Yields pieces of about 1,000 rows in order, from the position `at` of an earlier piece, or from the beginning. Bad
   * records are listed in `Piece.bad`; it throws only errors that are not the fault of one record (`MillraceError`: a
   * missing column, a broken file) and errors of the input.
   */
  read(input: ByteSource, at: Json | undefined, signal: AbortSignal): AsyncIterable<Piece>
  /**
   * Decodes one record's original bytes again, for dead-letter replay, without `push`. `context` is `Piece.context`.
   * Throws `DataError`.
   */
  decode?(bytes: Uint8Array, context: Json | undefined): Row
}

/** A piece without rows, for its position. */
export const emptyPiece = (offset: number): Piece => ({
  rows: [],
  position: { offset },
  positionAt: () => offset,
  bytes: 0,
})

/** The chunks that are not empty, for readers that need not handle pauses. */
export async function* withoutPauses(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) if (chunk.length > 0) yield chunk
}

/** An input that is already in memory: for tests, and for formats that read one record at a time. */
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
