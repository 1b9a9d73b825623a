/**
 * Reads Arrow IPC, batch by batch: files by their footer, streams from the beginning. A file without random access (a
 * compressed one) is first read into memory completely.
 *
 * Position: `{ batch, row, start }`: the record batch, how many of its rows were read, and the number of its first row.
 * A record's own position is the number of its row in the file.
 */
import type { FileHandle } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import { type BadRecord, MillraceError } from '@millrace/core'
import type { RecordBatch, RecordBatchReader } from 'apache-arrow'
import { recordTypeOf, rowAsJson, type RowReader, rowReader } from '../columns.ts'
import type { TimeOptions } from '../times.ts'
import {
  type ByteSource,
  decodeOne,
  type Piece,
  type ReadOptions,
  recordParser,
  type RecordReader,
  withoutPauses,
} from '@millrace/formats'

interface ArrowPosition {
  readonly batch: number
  readonly row: number
  readonly start: number
}

const rowsPerPiece = 1000
const magic = Buffer.from('ARROW1')

/** A reader of Arrow IPC. Throws `MillraceError` `broken_file`, and the errors of `rowReader`. */
export function createArrowReader(options: ReadOptions, times?: TimeOptions): RecordReader {
  return {
    async *read(input, at, signal) {
      const from = (at as unknown as ArrowPosition | undefined) ?? { batch: 0, row: 0, start: 0 }
      const { fileColumn, rawValues } = await import('./values.ts')
      const opened = await openArrow(input, signal)
      const reader = rowReader(opened.schema.fields.map(fileColumn), options, times)
      const places = reader.columns.map(({ name }) => opened.schema.fields.findIndex((field) => field.name === name))
      let { start, batch: number } = from
      for await (const batch of batchesOf(opened, number)) {
        signal.throwIfAborted()
        const { numRows } = batch
        if (numRows > 0) {
          const values = places.map((k) => rawValues(batch.getChildAt(k)!))
          const rowBytes = Math.ceil(batch.data.byteLength / numRows)
          yield* pieces(reader, values, number, start, numRows, number === from.batch ? from.row : 0, rowBytes)
        }
        start += numRows
        number++
      }
    },
    decode: (bytes, context) => decodeOne(recordParser({ ...options, push: undefined }), bytes, context),
  }
}

/** The record type of a file, for inference. */
export async function inferArrow(input: ByteSource, signal: AbortSignal, note?: (message: string) => void) {
  const { fileColumn } = await import('./values.ts')
  const stream = await openArrow(input, signal)
  const type = recordTypeOf(stream.schema.fields.map(fileColumn), note)
  await stream.cancel()
  return type
}

async function openArrow(input: ByteSource, signal: AbortSignal): Promise<RecordBatchReader> {
  const { RecordBatchReader: Reader, compressionRegistry, CompressionType } = await import('apache-arrow')
  compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => zstdDecompressSync(bytes) })
  try {
    if (input.size === undefined) return await opened(await Reader.from(withoutPauses(input.stream(0, signal))))
    if (
      magic.equals(await input.slice(0, magic.length)) &&
      !magic.equals(await input.slice(input.size - magic.length, input.size))
    )
      throw new Error('it has no end')
    return await opened(await Reader.from(handleOf(input, input.size) as unknown as FileHandle))
  } catch (error) {
    throw broken(error)
  }
}

async function opened(reader: RecordBatchReader): Promise<RecordBatchReader> {
  await reader.open()
  if (!reader.schema) throw new Error('it has no schema')
  return reader
}

/** The input in the form in which the library reads bytes. */
function handleOf(input: ByteSource, size: number) {
  return {
    fd: -1,
    stat: async () => ({ size }),
    async read(buffer: Uint8Array, offset: number, length: number, position: number) {
      const bytes = await input.slice(position, Math.min(size, position + length))
      buffer.set(bytes, offset)
      return { bytesRead: bytes.length, buffer }
    },
    close: async () => {},
  }
}

/** The record batches from number `from` on. */
async function* batchesOf(reader: RecordBatchReader, from: number): AsyncGenerator<RecordBatch> {
  try {
    if (reader.isFile()) {
      for (let i = from; i < reader.numRecordBatches; i++) {
        const batch = await reader.readRecordBatch(i)
        if (!batch) throw new Error(`its record batch ${i} is missing`)
        yield batch
      }
      return
    }
    let number = 0
    for await (const batch of reader as AsyncIterable<RecordBatch>) if (number++ >= from) yield batch
  } catch (error) {
    throw broken(error)
  }
}

function broken(error: unknown): unknown {
  if (
    !(error instanceof Error) ||
    error.name === 'MillraceError' ||
    error.name === 'SystemError' ||
    error.name === 'AbortError' ||
    'syscall' in error
  )
    return error
  return new MillraceError('broken_file', `this is not an Arrow file, or it is damaged: ${error.message}`, {
    cause: error,
    hint: 'fetch or write the file again; LZ4 compression is not supported',
  })
}

function* pieces(
  reader: RowReader,
  values: readonly unknown[][],
  batch: number,
  start: number,
  size: number,
  from: number,
  rowBytes: number,
): Generator<Piece> {
  for (let at = from; at < size; at += rowsPerPiece) {
    const length = Math.min(rowsPerPiece, size - at)
    const slices = values.map((column) => column.slice(at, at + length))
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
      position: { batch, row: at + length, start },
      bytes: length * rowBytes,
      positionAt: (i) => start + at + origins[i]!,
      rawAt: (i) => rowAsJson(reader, slices, origins[i]!),
      ...(reader.unknown > 0 ? { unknown: reader.unknown * rows.length } : {}),
      ...(bad.length > 0 ? { bad } : {}),
    }
  }
}
