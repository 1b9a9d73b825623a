/** Writers of JSON lines and of JSON arrays, UTF-8. */
import type { RecordType } from '@millrace/core'
import { OutputBytes } from '../bytes.ts'
import type { RecordWriter } from '../writer.ts'
import { compileEachEncoder } from './each.ts'
import type { JsonWriteOptions } from './encode.ts'

/** Makes writers of JSON lines: an object and a line feed per row. */
export function jsonLinesWriter(schema: RecordType, options: JsonWriteOptions = {}): () => RecordWriter {
  const encode = compileEachEncoder(schema, { ...options, after: '\n' })
  return () => {
    const out = new OutputBytes()
    return {
      append: true,
      write: (rows) => encode(rows, out),
      get pendingBytes() {
        return out.at
      },
      take: () => out.lend(),
      finish: () => out.lend(),
    }
  }
}

/** Makes writers of one JSON array of objects, an object a line. */
export function jsonArrayWriter(schema: RecordType, options: JsonWriteOptions = {}): () => RecordWriter {
  const encode = compileEachEncoder(schema, { ...options, before: ',\n' })
  return () => {
    const out = new OutputBytes()
    // The first row's comma becomes the bracket.
    let empty = true
    return {
      append: false,
      write(rows) {
        const start = out.at
        const refused = encode(rows, out)
        if (!empty || out.at === start) return refused
        empty = false
        out.buffer[start] = 0x5b
        return refused
      },
      get pendingBytes() {
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
