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
import { halfPair, Pieces, type RecordWriter, type RefusedRow } from '@millrace/formats'
import { type Codec, codecs, compressWith } from './codecs.ts'
import { ColumnChunk } from './column.ts'
import type { Column } from './schema.ts'
import { type Entries, storedFields } from './tree.ts'
import { fileEnd, magic, type WrittenGroup } from './file-end.ts'

/** How Parquet is written. */
export interface ParquetWriteOptions {
  /** The compression of pages. Default `zstd`. */
  readonly compression?: Codec | undefined
  /** Maximum rows of a group. Default 100,000. */
  readonly row_group?: number | undefined
}

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
    const groups: WrittenGroup[] = []

    const put = (bytes: Uint8Array) => {
      pieces.push(bytes)
      offset += bytes.length
    }
    const endGroup = () => {
      if (held === 0) return
      const start = offset
      const made = chunks.map((chunk, k) => {
        const finished = chunk.finish()
        const at = offset
        for (const page of finished.pages) put(page)
        const { pages: _, ...rest } = finished
        return { ...rest, column: columns[k]!, at, ...rest.metadata(at) }
      })
      groups.push({ rows: held, start, bytes: offset - start, chunks: made })
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
        for (const bytes of fileEnd(fields, groups, offset, codecs[codec])) put(bytes)
        return pieces.takeAll()
      },
    }
  }
}

/** A column's name in messages: `lines[].price`, `rates.*`. */
const told = (path: readonly string[]): string =>
  path
    .join('.')
    .replaceAll('.list.element', '[]')
    .replaceAll(/\.key_value\.(key|value)/g, '.*')

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
