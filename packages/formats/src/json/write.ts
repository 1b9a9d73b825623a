/** Writers of JSON lines and of JSON arrays, UTF-8. */
import type { RecordType } from '@millrace/core'
import { OutputBytes } from '../bytes.ts'
import type { RecordWriter } from '../writer.ts'
import { compileEachEncoder } from './each.ts'
import type { JsonWriteOptions } from './encode.ts'

/** Makes writers of JSON lines: one object and a line feed per row. */
export function jsonLinesWriter(schema: RecordType, options: JsonWriteOptions = {}): () => RecordWriter {
  const encode = compileEachEncoder(schema, { ...options, after: '\n' })
  return () => {
    const out = new OutputBytes()
    return {
      append: true,
      write: (rows, most) => encode(rows, out, most),
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

/** Makes writers of one JSON array of objects, one object per line. */
export function jsonArrayWriter(schema: RecordType, options: JsonWriteOptions = {}): () => RecordWriter {
  const encode = compileEachEncoder(schema, { ...options, before: ',\n' })
  return () => {
    const out = new OutputBytes()
    // The comma of the first row becomes the bracket.
    let empty = true
    return {
      append: false,
      write(rows, most) {
        const start = out.at
        const written = encode(rows, out, most)
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
