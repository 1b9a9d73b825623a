/**
 * Reads Parquet, row group by row group. Of each wanted column, one page is decompressed and a thousand rows are
 * decoded at a time, so that neither large row groups nor files that claim more than they hold take more memory than
 * their pages.
 *
 * Position: `{ group, row }`, the row group and how many of its rows were read. A record's own position is the number
 * of its row in the file.
 *
 * Decision: docs/decisions/20261201-parquet-by-our-own-decoder.md
 */
import type { BadRecord } from '@millrace/core'
import {
  type ByteSource,
  decodeOne,
  type Piece,
  type ReadOptions,
  type RecordReader,
  recordParser,
  skipOf,
} from '@millrace/formats'
import { type ColumnValues, recordTypeOf, rowAsJson, type RowReader, rowReader } from '../columns/index.ts'
import { type ColumnarOptions, mostExpanded } from '../columnar-options.ts'
import { Room } from '../room.ts'
import { broken } from './broken.ts'
import { type Cursor, flatCursor } from './flat.ts'
import { type Footer, readFooter, type RowGroup, type SchemaNode } from './footer.ts'
import { nestedCursor } from './nested.ts'
import type { PagesOf } from './pages.ts'
import { fileColumn } from './values.ts'
import { skipTest } from './skip.ts'

interface ParquetPosition {
  readonly group: number
  readonly row: number
}

const rowsPerPiece = 1000
/** How much of the compressed pages is read ahead, over all columns. */
const aheadBytes = 64 * 1024 * 1024

/**
 * A reader of Parquet. It needs random access. `maxExpanded`: the maximum bytes of the pages read at a time. Throws
 * `MillraceError` `broken_file`, `too_expanded`, `unsupported_encoding`, and what `rowReader` throws.
 */
export function createParquetReader(
  options: ReadOptions,
  { max_expanded: maxExpanded = mostExpanded, ...times }: ColumnarOptions = {},
): RecordReader {
  return {
    async *read(input, at, signal) {
      const from = (at as unknown as ParquetPosition | undefined) ?? { group: 0, row: 0 }
      const footer = await readFooter(input)
      const reader = rowReader(footer.columns.map(fileColumn), options, times)
      const nodes = reader.columns.map(({ name }) => footer.columns.find((node) => node.name === name)!)
      let start = 0
      const skip = skipOf(options)
      const isSkipped = skip && skipTest(options, skip, footer, reader)
      for (let index = 0; index < footer.groups; index++) {
        const group = footer.group(index)
        const done = index < from.group ? group.rows : index === from.group ? from.row : 0
        if (done < group.rows) {
          signal.throwIfAborted()
          if (isSkipped?.(group)) yield skippedPiece(skip!.step, group, index, start, done)
          else {
            const cursors = cursorsOf(input, footer, group, nodes, new Room(maxExpanded))
            yield* pieces(reader, cursors, group, index, start, done)
          }
        }
        start += group.rows
      }
      if (start !== footer.rows) throw broken('its row groups do not have as many rows as its footer says')
    },
    decode: (bytes, context) => decodeOne(recordParser({ ...options, push: undefined }), bytes, context),
  }
}

/** The piece of a row group that is not read. */
const skippedPiece = (step: string, { rows }: RowGroup, group: number, start: number, done: number): Piece => ({
  rows: [],
  dropped: [[step, rows - done]],
  position: { group, row: rows },
  bytes: 0,
  positionAt: () => start,
})

/** The record type of a file, for inference; `note` gets what cannot be read. */
export async function inferParquet(input: ByteSource, note?: (message: string) => void) {
  return recordTypeOf((await readFooter(input)).columns.map(fileColumn), note)
}

function cursorsOf(
  input: ByteSource,
  footer: Footer,
  group: RowGroup,
  nodes: readonly SchemaNode[],
  room: Room,
): Cursor[] {
  const count = nodes.reduce((sum, node) => sum + node.endLeaf - node.firstLeaf, 0)
  const readBytes = Math.min(Math.max(Math.floor(aheadBytes / count), 4096), 8 * 1024 * 1024)
  return nodes.map((node) => {
    const columns = leavesOf(node).map((leaf): PagesOf => {
      const chunk = group.chunk(leaf.firstLeaf)
      return { input, leaf, chunk, end: footer.start, room, readBytes }
    })
    return node.type && node.repetition !== 'REPEATED' ? flatCursor(columns[0]!) : nestedCursor(node, columns)
  })
}

const leavesOf = (node: SchemaNode): SchemaNode[] => (node.type ? [node] : node.children.flatMap(leavesOf))

async function* pieces(
  reader: RowReader,
  cursors: readonly Cursor[],
  { rows: size, bytes: groupBytes }: RowGroup,
  group: number,
  start: number,
  from: number,
): AsyncGenerator<Piece> {
  const rowBytes = Math.ceil(groupBytes / size)
  try {
    for (const cursor of cursors) if (from > 0) await cursor.skip(from)
    for (let at = from; at < size; ) {
      let length = Math.min(rowsPerPiece, size - at)
      for (const cursor of cursors) length = Math.min(length, await cursor.fill(length))
      const values: ColumnValues[] = []
      for (const cursor of cursors) values.push(await cursor.take(length))
      yield pieceOf(reader, values, group, start, at, length, rowBytes)
      at += length
    }
    for (const cursor of cursors) await cursor.finish()
  } catch (error) {
    // Errors from the arithmetic on a damaged file that no check caught are still the file's fault.
    throw error instanceof RangeError || error instanceof TypeError ? broken(error.message, error) : error
  }
}

function pieceOf(
  reader: RowReader,
  values: readonly ColumnValues[],
  group: number,
  start: number,
  at: number,
  length: number,
  rowBytes: number,
): Piece {
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
    position: { group, row: at + length },
    bytes: length * rowBytes,
    positionAt: (i) => start + at + origins[i]!,
    rawAt: (i) => rowAsJson(reader, values, origins[i]!),
    unknown: unknown > 0 ? unknown : undefined,
    bad: bad.length > 0 ? bad : undefined,
  }
}
