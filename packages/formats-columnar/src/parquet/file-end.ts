/**
 * The metadata at the end of a Parquet file: the indexes of its pages, and the footer
 * (https://parquet.apache.org/docs/file-format/metadata/).
 */
import { OutputBytes } from '@millrace/formats'
import type { FinishedColumn } from './column.ts'
import { columnIndex, offsetIndex } from './page-index.ts'
import { type Column, physical } from './schema.ts'
import { i16, i32, i64, list, putStruct, struct, type Thrift, text } from './thrift.ts'
import type { StoredField } from './tree.ts'

export const magic = Buffer.from('PAR1')

/** A column of a row group that is in the file. */
export interface WrittenChunk extends Omit<FinishedColumn, 'pages' | 'metadata'> {
  readonly column: Column
  /** Where it begins. */
  readonly at: number
  readonly dictionaryOffset: number | undefined
  readonly dataOffset: number
}

/** A row group that is in the file. */
export interface WrittenGroup {
  readonly rows: number
  readonly start: number
  readonly bytes: number
  readonly chunks: readonly WrittenChunk[]
}

/** Where an index is in the file. */
interface IndexPlace {
  readonly at: number
  readonly bytes: number
}

/** Writes the indexes of a chunk's pages; the one of bounds may be missing. */
function putIndexes(
  { valuePages, dataOffset }: WrittenChunk,
  put: (bytes: Uint8Array) => IndexPlace,
): { readonly bounds: IndexPlace | undefined; readonly places: IndexPlace } {
  const bounds = columnIndex(valuePages)
  return { bounds: bounds && put(bounds), places: put(offsetIndex(valuePages, dataOffset)) }
}

function groupThrift(
  { rows, start, bytes, chunks }: WrittenGroup,
  index: number,
  indexes: readonly ReturnType<typeof putIndexes>[],
  codec: number,
): Thrift {
  return struct(
    [
      1,
      list(
        'struct',
        chunks.map((chunk, k) => chunkThrift(chunk, indexes[k]!, codec)),
      ),
    ],
    [2, i64(chunks.reduce((sum, { rawBytes }) => sum + rawBytes, 0))],
    [3, i64(rows)],
    [5, i64(start)],
    [6, i64(bytes)],
    [7, index < 32768 ? i16(index) : undefined],
  )
}

function chunkThrift(chunk: WrittenChunk, { bounds, places }: ReturnType<typeof putIndexes>, codec: number): Thrift {
  const { column, dictionaryOffset, dataOffset } = chunk
  const metadata = struct(
    [1, i32(physical[column.physical])],
    [2, list('i32', chunk.encodings.map(i32))],
    [3, list('binary', column.path.map(text))],
    [4, i32(codec)],
    [5, i64(chunk.values)],
    [6, i64(chunk.rawBytes)],
    [7, i64(chunk.bytes)],
    [9, i64(dataOffset)],
    [11, dictionaryOffset === undefined ? undefined : i64(dictionaryOffset)],
    [12, chunk.statistics],
  )
  return struct(
    [2, i64(chunk.at)],
    [3, metadata],
    [4, i64(places.at)],
    [5, i32(places.bytes)],
    [6, bounds && i64(bounds.at)],
    [7, bounds && i32(bounds.bytes)],
  )
}

/**
 * Everything after the last row group. `offset`: where it begins. `codec`: of the pages. The indexes stand together, so
 * that a reader gets them all at once.
 */
export function fileEnd(
  fields: readonly StoredField[],
  groups: readonly WrittenGroup[],
  offset: number,
  codec: number,
): Uint8Array[] {
  const parts: Uint8Array[] = []
  let at = offset
  const put = (bytes: Uint8Array): IndexPlace => {
    parts.push(bytes)
    at += bytes.length
    return { at: at - bytes.length, bytes: bytes.length }
  }
  const made = groups.map((group, g) =>
    groupThrift(
      group,
      g,
      group.chunks.map((chunk) => putIndexes(chunk, put)),
      codec,
    ),
  )
  return [
    ...parts,
    footer(
      fields,
      groups.reduce((sum, { rows }) => sum + rows, 0),
      made,
    ),
  ]
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
