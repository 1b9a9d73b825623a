/**
 * Reads Arrow IPC, batch by batch and a thousand rows at a time: files by their footer, streams from the beginning. A
 * file whose bytes come only in order (a compressed one) is held whole.
 *
 * Position: `{ batch, row, start }`: the record batch, how many of its rows were read, and the number of its first row.
 * A record's own position is the number of its row in the file.
 */
import type { BadRecord } from '@millrace/core'
import {
  type ByteSource,
  decodeOne,
  type Piece,
  type ReadOptions,
  recordParser,
  type RecordReader,
} from '@millrace/formats'
import { recordTypeOf, rowAsJson, type RowReader, rowReader } from '../columns/index.ts'
import { type ColumnarOptions, mostExpanded } from '../columnar-options.ts'
import { broken } from './broken.ts'
import { openArrow } from './ipc.ts'
import type { ArrowColumn } from './ranges.ts'
import { fileColumn } from './values.ts'

interface ArrowPosition {
  readonly batch: number
  readonly row: number
  readonly start: number
}

const rowsPerPiece = 1000

/**
 * A reader of Arrow IPC. `maxExpanded`: the maximum bytes of the buffers held at a time. Throws `MillraceError`
 * `broken_file`, `too_expanded`, and what `rowReader` throws.
 */
export function createArrowReader(
  options: ReadOptions,
  { max_expanded: maxExpanded = mostExpanded, ...times }: ColumnarOptions = {},
): RecordReader {
  return {
    async *read(input, at, signal) {
      const from = (at as unknown as ArrowPosition | undefined) ?? { batch: 0, row: 0, start: 0 }
      try {
        const file = await openArrow(input, maxExpanded, signal)
        const reader = rowReader(file.fields.map(fileColumn), options, times)
        const places = reader.columns.map(({ name }) => file.fields.findIndex((field) => field.name === name))
        let { start, batch: number } = from
        for await (const { rows, bytes, columns } of file.batches(number, signal)) {
          const wanted = places.map((k) => columns[k]!)
          const rowBytes = Math.ceil(bytes / Math.max(1, rows))
          let row = number === from.batch ? from.row : 0
          for (; row < rows; row += rowsPerPiece) {
            signal.throwIfAborted()
            yield await pieceOf(reader, wanted, number, start, row, Math.min(rowsPerPiece, rows - row), rowBytes)
          }
          start += rows
          number++
        }
      } catch (error) {
        throw asBroken(error)
      }
    },
    decode: (bytes, context) => decodeOne(recordParser({ ...options, push: undefined }), bytes, context),
  }
}

/** The record type of a file, for inference; `note` gets what cannot be read. */
export async function inferArrow(input: ByteSource, signal: AbortSignal, note?: (message: string) => void) {
  try {
    const { fields } = await openArrow(input, mostExpanded, signal)
    return recordTypeOf(fields.map(fileColumn), note)
  } catch (error) {
    throw asBroken(error)
  }
}

/** Errors from offsets and lengths of a damaged file that no other check caught are still the file's fault. */
const asBroken = (error: unknown): unknown =>
  error instanceof RangeError || error instanceof TypeError ? broken(error.message, error) : error

async function pieceOf(
  reader: RowReader,
  columns: readonly ArrowColumn[],
  batch: number,
  start: number,
  at: number,
  length: number,
  rowBytes: number,
): Promise<Piece> {
  const values: unknown[][] = []
  for (const column of columns) values.push(await column.read(at, at + length))
  const { rows, origins, failed, unknown } = reader.rows(values, length)
  const bad = failed.map(
    ({ index, failure }): BadRecord => ({
      position: start + at + index,
      bytes: rowAsJson(reader, values, index),
      ...failure,
    }),
  )
  return {
    rows,
    position: { batch, row: at + length, start },
    bytes: length * rowBytes,
    positionAt: (i) => start + at + origins[i]!,
    rawAt: (i) => rowAsJson(reader, values, origins[i]!),
    unknown: unknown > 0 ? unknown : undefined,
    bad: bad.length > 0 ? bad : undefined,
  }
}
