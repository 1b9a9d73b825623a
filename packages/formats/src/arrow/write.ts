/**
 * Writes Arrow IPC, as a file or as a stream, in record batches.
 *
 * | type | Arrow |
 * |---|---|
 * | string, json | Utf8 (json as its text) |
 * | boolean | Bool |
 * | integer, bigint | Int64 |
 * | number | Float64 |
 * | decimal(p,s) | Decimal128 up to 38 digits, else Decimal256 |
 * | date | Date32 |
 * | timestamp | Timestamp(ms, UTC) |
 * | bytes | Binary |
 * | list, object | List, Struct |
 */
import type { Field as RecordField, RecordType, Row, Type } from '@millrace/core'
import type { Builder, DataType, RecordBatchWriter } from 'apache-arrow'
import { jsonValue } from '../json/encode.ts'
import { daysOf, unscaled } from '../parquet/schema.ts'
import { refusedTexts } from '../refuse.ts'
import type { RecordWriter } from '../writer.ts'

type Arrow = typeof import('apache-arrow')

/** How Arrow is written. */
export interface ArrowWriteOptions {
  /** `file`: with a footer, for random access; `stream`: to be read from the beginning. Default `file`. */
  readonly layout?: 'file' | 'stream' | undefined
}

const batchRows = 10_000
/** A batch that takes this much in memory is ended early. */
const mostBatchBytes = 16 * 1024 * 1024
const dayMs = 86_400_000

/** Loads Apache Arrow and makes writers of its files. */
export async function arrowWriter(record: RecordType, options: ArrowWriteOptions = {}): Promise<() => RecordWriter> {
  const arrow = await import('apache-arrow')
  const names = Object.keys(record.fields)
  const columns = names.map((name) => columnOf(arrow, record.fields[name]!))
  const texts = names.filter((name) => record.fields[name]!.type.kind === 'string')
  const schema = new arrow.Schema(names.map((name, k) => new arrow.Field(name, columns[k]!.type, record.fields[name]!.optional)))
  const row = new arrow.Struct(schema.fields)
  return () => {
    let parts: Uint8Array[] = []
    let pendingBytes = 0
    // The library's writer puts its bytes into a queue that is read asynchronously; here they are taken at once.
    const queue = new arrow.AsyncByteQueue()
    queue.write = (chunk) => {
      const bytes = chunk as Uint8Array
      parts.push(bytes)
      pendingBytes += bytes.length
    }
    const writer: RecordBatchWriter = options.layout === 'stream' ? new arrow.RecordBatchStreamWriter() : new arrow.RecordBatchFileWriter()
    writer.reset(queue, schema)
    const builders = columns.map(({ type }) => arrow.makeBuilder({ type, nullValues: [null, undefined] }))
    let held = 0
    const heldBytes = () => builders.reduce((n, builder) => n + builder.byteLength, 0)
    const cut = () => {
      if (held === 0) return
      const children = builders.map((builder) => builder.flush())
      writer.write(new arrow.RecordBatch(schema, arrow.makeData({ type: row, length: held, nullCount: 0, children })))
      held = 0
    }
    const take = () => {
      const bytes = Buffer.concat(parts)
      parts = []
      pendingBytes = 0
      return bytes
    }
    return {
      append: false,
      write(rows) {
        const refused = refusedTexts(rows, texts)
        for (let i = 0; i < rows.length; i++) {
          if (refused?.has(i)) continue
          append(builders, columns, names, rows[i]!)
          if (++held >= batchRows) cut()
        }
        if (heldBytes() > mostBatchBytes) cut()
        return refused && [...refused.values()]
      },
      get pendingBytes() {
        return pendingBytes
      },
      get heldBytes() {
        return heldBytes()
      },
      cut,
      take,
      finish() {
        cut()
        writer.finish()
        return take()
      },
    }
  }
}

function append(builders: readonly Builder[], columns: readonly ArrowColumn[], names: readonly string[], row: Row): void {
  for (let k = 0; k < names.length; k++) {
    const name = names[k]!
    const value = name in Object.prototype && !Object.hasOwn(row, name) ? null : row[name]
    builders[k]!.append(value === null || value === undefined ? null : columns[k]!.convert(value))
  }
}

interface ArrowColumn {
  readonly type: DataType
  /** A value, not null, as the library's builder takes it. */
  convert(value: unknown): unknown
}

const same = (value: unknown): unknown => value

function columnOf(arrow: Arrow, { type }: { readonly type: Type }): ArrowColumn {
  switch (type.kind) {
    case 'string':
      return { type: new arrow.Utf8(), convert: same }
    case 'json':
      return { type: new arrow.Utf8(), convert: jsonValue(type) }
    case 'boolean':
      return { type: new arrow.Bool(), convert: same }
    case 'integer':
      return { type: new arrow.Int64(), convert: (value) => BigInt(value as number) }
    case 'bigint':
      return { type: new arrow.Int64(), convert: same }
    case 'number':
      return { type: new arrow.Float64(), convert: same }
    case 'decimal': {
      const bits = type.precision <= 38 ? 128 : 256
      return { type: new arrow.Decimal(type.scale, type.precision, bits), convert: (value) => words(unscaled(value), bits / 32) }
    }
    case 'date':
      return { type: new arrow.DateDay(), convert: (value) => daysOf(value) * dayMs }
    case 'timestamp':
      return { type: new arrow.TimestampMillisecond('UTC'), convert: same }
    case 'bytes':
      return { type: new arrow.Binary(), convert: same }
    case 'list': {
      const item = columnOf(arrow, type.of)
      const read = orNull(item.convert)
      return { type: new arrow.List(new arrow.Field('item', item.type, true)), convert: (value) => (value as unknown[]).map(read) }
    }
    case 'object': {
      const fields = Object.entries(type.record.fields).map(([name, field]: [string, RecordField]) => ({ name, field, column: columnOf(arrow, field) }))
      const reads = fields.map(({ name, column }) => [name, orNull(column.convert)] as const)
      return {
        type: new arrow.Struct(fields.map(({ name, field, column }) => new arrow.Field(name, column.type, field.optional))),
        convert: (value) => Object.fromEntries(reads.map(([name, read]) => [name, read((value as Row)[name])])),
      }
    }
  }
}

const orNull =
  (convert: (value: unknown) => unknown) =>
  (value: unknown): unknown =>
    value === null || value === undefined ? null : convert(value)

/** A whole number in two's complement, lowest word first. */
function words(value: bigint, n: number): Uint32Array {
  const made = new Uint32Array(n)
  let rest = value
  for (let i = 0; i < n; i++, rest >>= 32n) made[i] = Number(BigInt.asUintN(32, rest))
  return made
}
