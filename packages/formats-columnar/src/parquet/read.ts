/**
 * Reads Parquet, row group by row group; only the needed columns of one group are in memory at a time.
 *
 * Position: `{ group, row }`, the row group and how many of its rows were read. A record's own position is the number
 * of its row in the file.
 */
import { type BadRecord, MillraceError } from '@millrace/core'
import type { AsyncBuffer, FileMetaData } from 'hyparquet'
import { recordTypeOf, rowAsJson, type RowReader, rowReader } from '../columns.ts'
import type { FileColumn } from '../file-column.ts'
import {
  type ByteSource,
  decodeOne,
  type Piece,
  type ReadOptions,
  recordParser,
  type RecordReader,
} from '@millrace/formats'
import type { TimeOptions } from '../times.ts'
import { decompressors } from './codecs.ts'
import { bareSchema, fileColumn, parsers } from './values.ts'

interface ParquetPosition {
  readonly group: number
  readonly row: number
}

const rowsPerPiece = 1000

/** A reader of Parquet. It needs random access. Throws `MillraceError` `broken_file`, and the errors of `rowReader`. */
export function createParquetReader(options: ReadOptions, times?: TimeOptions): RecordReader {
  return {
    async *read(input, at, signal) {
      const { group: from, row } = (at as unknown as ParquetPosition | undefined) ?? { group: 0, row: 0 }
      const { parquetScan } = await import('hyparquet')
      const { file, metadata, columns } = await openParquet(input)
      const reader = rowReader(columns, options, times)
      const bare = { ...metadata, schema: bareSchema(metadata.schema) }
      const names = reader.columns.map(({ name }) => name)
      refuseWrongDeltas(metadata, names)
      let start = 0
      for (const [group, { num_rows, total_byte_size }] of metadata.row_groups.entries()) {
        const size = Number(num_rows)
        if (group >= from && size > 0) {
          signal.throwIfAborted()
          // A new scan for each group, so that only one is kept in memory.
          const scan = await parquetScan({
            file,
            metadata: bare,
            columns: names,
            compressors: decompressors,
            parsers,
            utf8: false,
            geoparquet: false,
            rowStart: start,
            rowEnd: start + size,
          })
          const values = []
          for (const column of names)
            values.push(await readable(() => scan.readColumn({ column, rowStart: start, rowEnd: start + size })))
          const rowBytes = Math.ceil(Number(total_byte_size) / size)
          yield* pieces(reader, values, group, start, size, group === from ? row : 0, rowBytes)
        }
        start += size
      }
    },
    decode: (bytes, context) => decodeOne(recordParser({ ...options, push: undefined }), bytes, context),
  }
}

/** The footer and the columns of a file. */
export async function openParquet(
  input: ByteSource,
): Promise<{ file: AsyncBuffer; metadata: FileMetaData; columns: FileColumn[] }> {
  const { parquetMetadataAsync, parquetSchema } = await import('hyparquet')
  const file: AsyncBuffer = {
    byteLength: input.size ?? 0,
    async slice(start, end = input.size ?? 0) {
      const bytes = await input.slice(start, end)
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
    },
  }
  if (input.size === undefined) await input.slice(0, 4)
  const metadata = await readable(() => parquetMetadataAsync(file, { geoparquet: false }))
  return { file, metadata, columns: parquetSchema(metadata).children.map(fileColumn) }
}

/**
 * hyparquet 1.31 reads the first of unsigned 32-bit deltas in 32 bits, where some writers (DuckDB's version 2) use 33:
 * large values would silently be wrong.
 */
function refuseWrongDeltas(metadata: FileMetaData, names: readonly string[]): void {
  const unsigned = metadata.schema.filter(({ converted_type }) => converted_type === 'UINT_32').map(({ name }) => name)
  for (const { columns } of metadata.row_groups) {
    for (const { meta_data } of columns) {
      const path = meta_data?.path_in_schema ?? []
      if (
        !meta_data?.encodings.includes('DELTA_BINARY_PACKED') ||
        !unsigned.includes(path.at(-1)!) ||
        !names.includes(path[0]!)
      )
        continue
      throw new MillraceError(
        'unsupported_encoding',
        `the column ${path.join('.')} has unsigned 32-bit integers as deltas, which cannot be read safely`,
        {
          hint: 'write the file with version 1 encodings, or the column as a 64-bit integer, or remove the field from the schema',
        },
      )
    }
  }
}

/** The record type of a file, for inference. */
export const inferParquet = async (input: ByteSource, note?: (message: string) => void) =>
  recordTypeOf((await openParquet(input)).columns, note)

async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (
      !(error instanceof Error) ||
      error.name === 'MillraceError' ||
      error.name === 'SystemError' ||
      'syscall' in error
    )
      throw error
    throw new MillraceError('broken_file', `this is not a Parquet file, or it is damaged: ${error.message}`, {
      cause: error,
      hint: 'fetch or write the file again; a truncated file has no footer',
    })
  }
}

function* pieces(
  reader: RowReader,
  values: readonly ArrayLike<unknown>[],
  group: number,
  start: number,
  size: number,
  from: number,
  rowBytes: number,
): Generator<Piece> {
  for (let at = from; at < size; at += rowsPerPiece) {
    const length = Math.min(rowsPerPiece, size - at)
    const slices = values.map((column) => sliced(column, at, at + length))
    const { rows, origins, failed } = reader.rows(slices, length)
    const bad = failed.map(
      ({ index, failure }): BadRecord => ({
        position: start + at + index,
        bytes: rowAsJson(reader, slices, index),
        ...failure,
      }),
    )
    yield {
      rows,
      position: { group, row: at + length },
      bytes: length * rowBytes,
      positionAt: (i) => start + at + origins[i]!,
      rawAt: (i) => rowAsJson(reader, slices, origins[i]!),
      ...(reader.unknown > 0 ? { unknown: reader.unknown * rows.length } : {}),
      ...(bad.length > 0 ? { bad } : {}),
    }
  }
}

const sliced = (values: ArrayLike<unknown>, from: number, to: number): ArrayLike<unknown> =>
  Array.isArray(values) ? values.slice(from, to) : (values as Int32Array).subarray(from, to)
