/** Writers of JSON lines and of JSON arrays, UTF-8. */
import type { RecordType, Row } from '@millrace/core'
import { OutputBytes } from '../bytes.ts'
import type { RecordWriter, RefusedRow, Written } from '../writer.ts'
import { compileEncoder, type EncodeRows, type JsonWriteOptions } from './encode.ts'

/** Encodes rows; when one of them can't be, finds out which and encodes the others. */
function encodeEach(encode: EncodeRows, rows: readonly Row[], out: OutputBytes, most: number | undefined): Written {
  const start = out.at
  try {
    return { taken: encode(rows, out, most) }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  out.at = start
  const refused: RefusedRow[] = []
  let taken = 0
  do {
    const before = out.at
    try {
      encode([rows[taken]!], out)
    } catch (error) {
      out.at = before
      refused.push({ index: taken, code: 'out_of_range', message: (error as Error).message })
    }
  } while (++taken < rows.length && (most === undefined || out.at < most))
  return { taken, refused }
}

/** Makes writers of JSON lines: an object and a line feed per row. */
export function jsonLinesWriter(schema: RecordType, options: JsonWriteOptions = {}): () => RecordWriter {
  const encode = compileEncoder(schema, { ...options, after: '\n' })
  return () => {
    const out = new OutputBytes()
    return {
      append: true,
      write: (rows, most) => encodeEach(encode, rows, out, most),
      get pendingBytes() {
        return out.at
      },
      get size() {
        return out.at
      },
      take: () => out.lend(),
      finish: () => out.lend(),
    }
  }
}

/** Makes writers of one JSON array of objects, an object a line. */
export function jsonArrayWriter(schema: RecordType, options: JsonWriteOptions = {}): () => RecordWriter {
  const encode = compileEncoder(schema, { ...options, before: ',\n' })
  return () => {
    const out = new OutputBytes()
    // The first row's comma becomes the bracket.
    let empty = true
    return {
      append: false,
      write(rows, most) {
        const start = out.at
        const written = encodeEach(encode, rows, out, most)
        if (!empty || out.at === start) return written
        empty = false
        out.buffer[start] = 0x5b
        return written
      },
      get pendingBytes() {
        return out.at
      },
      get size() {
        return out.at
      },
      take: () => out.lend(),
      finish() {
        out.text(empty ? '[]\n' : '\n]\n')
        return out.lend()
      },
    }
  }
}
