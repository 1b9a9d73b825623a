/**
 * Writes Parquet: the columns of the current row group, groups as bytes, and the footer
 * (https://parquet.apache.org/docs/file-format/).
 *
 * The encoder is our own: hyparquet-writer takes three times as long for this use, since it gets columns only when a
 * group is complete. Tests compare its output with hyparquet and DuckDB.
 *
 * Decision: docs/decisions/20261121-parquet-by-our-own-encoder.md
 */
import { codegenAllowed, generate, quote, type RecordType, type Row } from '@millrace/core'
import { halfPair, OutputBytes, Pieces, type RecordWriter, type RefusedRow } from '@millrace/formats'
import { type Codec, codecs, compressWith } from './codecs.ts'
import { ColumnChunk, type FinishedColumn } from './column.ts'
import { type Column, physical } from './schema.ts'
import { i16, i32, i64, list, putStruct, struct, text, type Thrift } from './thrift.ts'
import { type Entries, type StoredField, storedFields } from './tree.ts'

/** How Parquet is written. */
export interface ParquetWriteOptions {
  /** The compression of pages. Default `zstd`. */
  readonly compression?: Codec | undefined
  /** Maximum rows of a group. Default 100,000. */
  readonly row_group?: number | undefined
}

const magic = Buffer.from('PAR1')
/** A group with more than this in memory ends early. */
const mostGroupBytes = 32 * 1024 * 1024
/** Rows to add at a time: this many as long as the size of a row is unknown, and at most this many. */
const firstRows = 16
const mostRows = 10_000

/** Loads what is needed and returns a function that makes writers. */
export async function parquetWriter(
  record: RecordType,
  options: ParquetWriteOptions = {},
): Promise<() => RecordWriter> {
  const codec = options.compression ?? 'zstd'
  const groupRows = options.row_group ?? 100_000
  const compress = await compressWith(codec)
  const names = Object.keys(record.fields)
  const gather = compileGather(names)
  return () => {
    const fields = storedFields(record)
    const columns = fields.flatMap((field) => field.columns)
    const chunks = columns.map((column) => new ColumnChunk(column, compress))
    const values = names.map(() => [] as unknown[])
    const pieces = new Pieces()
    pieces.push(magic)
    let offset = magic.length
    let held = 0
    let total = 0
    const groups: Thrift[] = []

    const put = (bytes: Uint8Array) => {
      pieces.push(bytes)
      offset += bytes.length
    }
    const endGroup = () => {
      if (held === 0) return
      const start = offset
      let rawBytes = 0
      const made = chunks.map((chunk, k) => {
        const finished = chunk.finish()
        const at = offset
        for (const page of finished.pages) put(page)
        rawBytes += finished.rawBytes
        return chunkThrift(columns[k]!, finished, at, codecs[codec])
      })
      groups.push(
        struct(
          [1, list('struct', made)],
          [2, i64(rawBytes)],
          [3, i64(held)],
          [5, i64(start)],
          [6, i64(offset - start)],
          [7, groups.length < 32768 ? i16(groups.length) : undefined],
        ),
      )
      total += held
      held = 0
    }
    const heldBytes = () => chunks.reduce((n, chunk) => n + chunk.heldBytes, 0)
    const size = () => chunks.reduce((n, chunk) => n + chunk.bytes, pieces.bytes)
    /** How many rows may be added before memory and size are checked again. */
    const room = (most: number) => {
      if (held === 0) return Math.min(firstRows, groupRows)
      const byMemory = ((mostGroupBytes - heldBytes()) / heldBytes()) * held
      const bytes = size() - pieces.bytes
      const bySize = bytes > 0 ? ((most - size()) / bytes) * held : mostRows
      return Math.max(1, Math.min(mostRows, groupRows - held, byMemory, bySize)) | 0
    }
    const add = (rows: readonly Row[], base: number, refused: RefusedRow[]) => {
      const n = rows.length
      let without: Map<number, RefusedRow> | undefined
      const refuse = (i: number, { path }: Column, code: 'bad_text' | 'missing_value') => {
        without ??= new Map()
        const field = told(path)
        const message = code === 'bad_text' ? halfPair : 'is null, and the field is not optional'
        if (!without.has(i)) without.set(i, { index: base + i, code, field, message })
      }
      gather(rows, values)
      let k = 0
      const parts = fields.flatMap(({ columns: own, shred }, f): Part[] => {
        const entries = shred?.(values[f]!, n, (i, column) => refuse(i, column, 'missing_value'))
        return own.map((_, j) => ({
          chunk: chunks[k++]!,
          values: entries?.[j]!.values ?? values[f]!,
          nested: entries?.[j],
        }))
      })
      for (const { chunk, values: own, nested } of parts) {
        if (!nested) chunk.resolve(own, n, refuse)
        else chunk.resolve(own, own.length, (i, column, code) => refuse(nested.rows[i]!, column, code))
      }
      for (const { chunk, values: own, nested } of parts) chunk.take(own, nested ? own.length : n, without, nested)
      if (without) refused.push(...without.values())
      held += n - (without?.size ?? 0)
      if (held >= groupRows || heldBytes() > mostGroupBytes) endGroup()
    }
    return {
      append: false,
      write(rows, most = Number.POSITIVE_INFINITY) {
        const refused: RefusedRow[] = []
        let taken = 0
        do {
          const n = Math.min(rows.length - taken, room(most))
          add(n === rows.length ? rows : rows.slice(taken, taken + n), taken, refused)
          taken += n
        } while (taken < rows.length && size() < most)
        return { taken, refused: refused.length > 0 ? refused : undefined }
      },
      get pendingBytes() {
        return pieces.bytes
      },
      get size() {
        return size()
      },
      get heldBytes() {
        return heldBytes()
      },
      cut: endGroup,
      take: () => pieces.take(),
      finish() {
        endGroup()
        put(footer(fields, total, groups))
        return pieces.takeAll()
      },
    }
  }
}

/** A column's name in messages: `lines[].price`. */
const told = (path: readonly string[]): string => path.join('.').replaceAll('.list.element', '[]')

/** The entries of one column. */
interface Part {
  readonly chunk: ColumnChunk
  readonly values: readonly unknown[]
  readonly nested: Entries | undefined
}

type Gather = (rows: readonly Row[], into: readonly unknown[][]) => void

/** Makes the function that puts the values of rows into one array per column. */
function compileGather(names: readonly string[]): Gather {
  const isInherited = (name: string) => name in Object.prototype
  if (!codegenAllowed) {
    return (rows, into) => {
      names.forEach((name, k) => {
        const column = into[k]!
        rows.forEach((row, i) => {
          column[i] = isInherited(name) && !Object.hasOwn(row, name) ? null : row[name]
        })
      })
    }
  }
  const reads = names.map(
    (name, k) =>
      `c${k}[i] = ${isInherited(name) ? `own(r, ${quote(name)}) ? r[${quote(name)}] : null` : `r[${quote(name)}]`}`,
  )
  return generate<Gather>(
    { own: Object.hasOwn },
    `return (rows, into) => {
      ${names.map((_, k) => `const c${k} = into[${k}]`).join('\n')}
      for (let i = 0; i < rows.length; i++) { const r = rows[i]; ${reads.join('; ')} }
    }`,
  )
}

function chunkThrift(column: Column, finished: FinishedColumn, offset: number, codec: number): Thrift {
  const { dictionaryOffset, dataOffset } = finished.metadata(offset)
  const metadata = struct(
    [1, i32(physical[column.physical])],
    [2, list('i32', finished.encodings.map(i32))],
    [3, list('binary', column.path.map(text))],
    [4, i32(codec)],
    [5, i64(finished.values)],
    [6, i64(finished.rawBytes)],
    [7, i64(finished.bytes)],
    [9, i64(dataOffset)],
    [11, dictionaryOffset === undefined ? undefined : i64(dictionaryOffset)],
    [12, finished.statistics],
  )
  return struct([2, i64(offset)], [3, metadata])
}

function footer(fields: readonly StoredField[], rows: number, groups: readonly Thrift[]): Uint8Array {
  const root = struct([4, text('schema')], [5, i32(fields.length)])
  const out = new OutputBytes()
  putStruct(out, [
    [1, i32(2)],
    [2, list('struct', [root, ...fields.flatMap(({ elements }) => elements)])],
    [3, i64(rows)],
    [4, list('struct', groups)],
    [6, text('Millrace')],
    // Bounds are ordered as the types define.
    [
      7,
      list(
        'struct',
        fields.flatMap(({ columns }) => columns.map(() => struct([1, struct()]))),
      ),
    ],
  ])
  const length = out.at
  out.int32(length)
  out.bytes(magic)
  return out.take()
}
