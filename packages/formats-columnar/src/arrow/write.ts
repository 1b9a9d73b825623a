/**
 * Writes Arrow IPC, as a file or as a stream, in record batches.
 *
 * | type | Arrow |
 * |---|---|
 * | string, json | Utf8 (json, and objects that keep unknown fields, as JSON text) |
 * | boolean | Bool |
 * | integer, bigint | Int64 |
 * | number | Float64 |
 * | decimal(p,s) | Decimal128 up to 38 digits, else Decimal256 |
 * | date | Date32 |
 * | timestamp | Timestamp(ms, UTC) |
 * | timestamp(6), timestamp(9) | Timestamp(us, UTC), Timestamp(ns, UTC) |
 * | time | Time64(us) |
 * | bytes | Binary |
 * | list, object | List, Struct |
 */
import type { RecordType } from '@millrace/core'
import type { RecordBatchWriter } from 'apache-arrow'
import { Pieces, type RecordWriter, refusedTexts } from '@millrace/formats'
import { appender } from './appender.ts'

/** How Arrow is written. */
export interface ArrowWriteOptions {
  /** `file`: with a footer, for random access; `stream`: to be read from the beginning. Default `file`. */
  readonly layout?: 'file' | 'stream' | undefined
}

const batchRows = 10_000
/** The size is checked after this many rows. */
const sizedRows = 16
/** A batch with more than this in memory ends early. */
const mostBatchBytes = 4 * 1024 * 1024

/** Loads Apache Arrow and returns a function that makes writers. */
export async function arrowWriter(record: RecordType, options: ArrowWriteOptions = {}): Promise<() => RecordWriter> {
  const arrow = await import('apache-arrow')
  const names = Object.keys(record.fields)
  const texts = names.filter((name) => record.fields[name]!.type.kind === 'string')
  const types = names.map((name) => appender(arrow, record.fields[name]!.type).type)
  const schema = new arrow.Schema(
    names.map((name, k) => new arrow.Field(name, types[k]!, record.fields[name]!.optional)),
  )
  const row = new arrow.Struct(schema.fields)
  return () => {
    const pieces = new Pieces()
    // The library's writer puts its bytes into a queue that is read asynchronously; here they are taken immediately.
    const queue = new arrow.AsyncByteQueue()
    queue.write = (chunk) => {
      pieces.push(chunk as Uint8Array)
    }
    const writer: RecordBatchWriter =
      options.layout === 'stream' ? new arrow.RecordBatchStreamWriter() : new arrow.RecordBatchFileWriter()
    writer.reset(queue, schema)
    const columns = names.map((name) => appender(arrow, record.fields[name]!.type))
    let held = 0
    const heldBytes = () => columns.reduce((n, column) => n + column.bytes, 0)
    const cut = () => {
      if (held === 0) return
      const children = columns.map((column) => column.flush())
      writer.write(new arrow.RecordBatch(schema, arrow.makeData({ type: row, length: held, nullCount: 0, children })))
      held = 0
    }
    return {
      append: false,
      write(rows, most = Number.POSITIVE_INFINITY) {
        const refused = refusedTexts(rows, texts)
        let taken = 0
        while (taken < rows.length) {
          const i = taken++
          if (refused?.has(i)) continue
          const r = rows[i]!
          for (let k = 0; k < names.length; k++) {
            const name = names[k]!
            columns[k]!.append(name in Object.prototype && !Object.hasOwn(r, name) ? null : (r[name] ?? null))
          }
          if (++held % sizedRows > 0 && taken < rows.length) continue
          const bytes = heldBytes()
          if (pieces.bytes + bytes >= most) break
          if (held >= batchRows || bytes > mostBatchBytes) cut()
        }
        return { taken, refused: refused && [...refused.values()].filter(({ index }) => index < taken) }
      },
      get size() {
        return pieces.bytes + heldBytes()
      },
      get pendingBytes() {
        return pieces.bytes
      },
      get heldBytes() {
        return heldBytes()
      },
      cut,
      take: () => pieces.take(),
      finish() {
        cut()
        writer.finish()
        return pieces.takeAll()
      },
    }
  }
}
