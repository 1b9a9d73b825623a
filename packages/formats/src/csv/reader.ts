/**
 * Reads CSV. Each chunk of the input is joined with the rest of the previous one and scanned up to its last line break.
 * What is bad, and where a bad record ends, does not depend on chunk boundaries.
 *
 * A header with duplicate names, or names that are not text, makes itself and every record of the input bad.
 */
import {
  codegenAllowed,
  DataError,
  type Json,
  MillraceError,
  type Problem,
  type RecordType,
  type Row,
  unknownOf,
} from '@millrace/core'
import { type ByteSource, emptyPiece, type Piece, type ReadOptions, type RecordReader } from '../reader.ts'
import { asBuffer, byteOrderMark, unitBytes } from '../text.ts'
import { type Chunk, chunkOf, lastBreak } from './chunk.ts'
import { compiledScan, mostColumns } from './compiled.ts'
import { readHeader } from './header.ts'
import { type FailedRecord, interpretedScan, noRows, type Scan } from './interpreted.ts'
import { type Layout, layoutOf, orderedNames, orderProblems, type RowFailure } from './layout.ts'
import { csvDefaults, type CsvOptions, dialectOf } from './options.ts'
import { giveUp, passOver } from './oversize.ts'
import { Trouble } from './trouble.ts'
import { warmUp } from './warm-up.ts'

/** Where reading continues: bytes from the beginning of the input; `inside`: within a record that is too large. */
interface Position {
  readonly offset: number
  readonly inside?: true
}

/** Problems with reading records of this type. */
export const csvReadAccepts = ({ header = true }: Partial<CsvOptions>, schema: RecordType): Problem[] =>
  header ? [] : orderProblems(schema)

/**
 * Context that the bytes of a record lack. `cut`: the failure that made them an incomplete record, so that a part is
 * never taken for a record.
 */
interface Context {
  readonly header?: readonly string[]
  readonly cut?: string
}

/** The names in the header. */
interface Opened {
  readonly layout: Layout
  readonly context: { readonly header: readonly string[] } | undefined
  /** `wide`: see `sliceText`. */
  scan(wide: boolean): Scan
}

const batchRows = 1000

/**
 * A reader of CSV. Positions of pieces are `{ offset }`; `Piece.context` is `{ header: [...] }` if there is a header.
 * `scanner`: both yield the same results; by default the compiled one, if code may be generated. Reading throws
 * `MillraceError` `missing_column`, and `bad_encoding` for a wrong byte order mark. Throws `bad_field_name` if the
 * columns have no header and the fields no order.
 */
export function createCsvReader(
  csv: Partial<CsvOptions>,
  read: ReadOptions,
  scanner?: 'compiled' | 'interpreted',
): RecordReader {
  const options: CsvOptions = { ...csvDefaults, ...csv }
  const { encoding } = options
  const unit = unitBytes(encoding)
  const dialect = dialectOf(options, unit)
  const { push: _, ...withoutPush } = read
  if (!options.header) orderedNames(read.schema)

  function openWith(names: readonly string[] | undefined, as: ReadOptions, failure?: RowFailure): Opened {
    const layout = layoutOf(names, as, failure)
    const trouble = new Trouble(layout, dialect, encoding)
    const fast = scanner ? scanner === 'compiled' : codegenAllowed && layout.columns.length <= mostColumns
    function make(wide: boolean): Scan {
      if (!fast) return interpretedScan(layout, dialect, trouble, wide)
      const scan = compiledScan(layout, dialect, trouble, wide)
      if (!layout.broken) warmUp(scan, layout, as, options)
      return scan
    }
    let narrow: Scan | undefined
    let wide: Scan | undefined
    return {
      layout,
      context: names && { header: names },
      scan: (isWide) => (isWide ? (wide ??= make(true)) : (narrow ??= make(false))),
    }
  }

  /** The header alone, for resuming in the middle. */
  async function reopen(input: ByteSource, signal: AbortSignal): Promise<Opened> {
    let held: Buffer = Buffer.alloc(0)
    for await (const bytes of input.stream(0, signal)) {
      held = Buffer.concat([held, bytes])
      const last = held.length === input.size
      const header = readHeader(
        chunkOf(held, encoding, last),
        byteOrderMark(held, encoding) / unit,
        dialect,
        options,
        last,
      )
      if (header) return openWith(header.names, read, header.failure)
    }
    throw new MillraceError('input_changed', 'the input no longer has a header', {
      hint: 'restore the file, or reset the state of the pipeline',
    })
  }

  async function* readAll(input: ByteSource, at: Json | undefined, signal: AbortSignal): AsyncGenerator<Piece> {
    const from = at as Position | undefined
    let base = from?.offset ?? 0 // where `held` begins in the input
    let inside = from?.inside === true
    let held: Buffer = Buffer.alloc(0)
    let opened = options.header ? (base > 0 ? await reopen(input, signal) : undefined) : openWith(undefined, read)

    function pieceOf(
      chunk: Chunk,
      start: number,
      end: number,
      rows: Row[],
      spans: Int32Array,
      failed: readonly FailedRecord[],
      cut?: string,
    ): Piece {
      const { bytes } = chunk
      const { layout } = opened!
      layout.inside.unknown += layout.unknown * rows.length
      const origin = base
      const offset = origin + Math.min(end * unit, bytes.length)
      return {
        rows,
        position: inside ? { offset, inside } : { offset },
        positionAt: (i) => origin + spans[2 * i]! * unit,
        rawAt: (i) => bytes.subarray(spans[2 * i]! * unit, spans[2 * i + 1]! * unit),
        bytes: offset - origin - start * unit,
        ...unknownOf(layout.inside),
        ...(failed.length
          ? {
              bad: failed.map(({ start, end, failure }) => ({
                position: origin + start * unit,
                bytes: bytes.subarray(start * unit, end * unit),
                ...failure,
              })),
            }
          : {}),
        ...(cut ? { context: { ...opened!.context, cut } } : opened!.context ? { context: opened!.context } : {}),
      }
    }

    function* scanChunk(bytes: Buffer, last: boolean): Generator<Piece> {
      held = bytes
      const first = base === 0
      const chunk = chunkOf(bytes, encoding, last)
      let i = first ? byteOrderMark(bytes, encoding) / unit : 0
      if (!opened) {
        const header = readHeader(chunk, i, dialect, options, last)
        if (!header) return
        opened = openWith(header.names, read, header.failure)
        i = header.next
        const failure = opened.layout.broken
        if (failure) yield pieceOf(chunk, header.start, i, [], noSpans, [{ start: header.start, end: i, failure }])
      }
      const scan = opened.scan(chunk.wide)
      let end = Math.max(i, chunk.end)
      // In the last chunk `end` may be after a line break that is not in the input.
      while (i < chunk.length) {
        if (!inside)
          for (let full = true; full && i < end; ) {
            const rows = noRows()
            const spans = new Int32Array(2 * batchRows)
            const failed: FailedRecord[] = []
            const start = i
            i = scan(chunk.units, chunk.text, i, end, rows, spans, failed, batchRows)
            if (i > start) yield pieceOf(chunk, start, i, rows, spans, failed)
            full = rows.length + failed.length === batchRows
          }
        // The rest does not end before `end`: it continues in the next chunk, ends with CR alone, or is bad.
        if (i >= chunk.length) break
        if (!inside && !last) {
          const further = lastBreak(chunk, Math.max(i, end))
          if (further > end) {
            end = further
            continue
          }
        }
        const given = inside ? passOver(chunk, i, dialect, last) : giveUp(chunk, i, dialect, opened.layout, last)
        if (!given) break
        inside = given.inside
        yield pieceOf(
          chunk,
          i,
          given.end,
          [],
          noSpans,
          [{ start: i, end: given.end, failure: given.failure }],
          given.failure.code,
        )
        i = given.end
      }
      const used = Math.min(i * unit, bytes.length)
      held = bytes.subarray(used)
      base += used
    }

    let waiting: Uint8Array[] = []
    let waitingBytes = 0
    const joined = () => {
      const bytes =
        held.length === 0 && waiting.length === 1 ? asBuffer(waiting[0]!) : Buffer.concat([held, ...waiting])
      waiting = []
      waitingBytes = 0
      return bytes
    }
    for await (const bytes of input.stream(base, signal)) {
      waiting.push(bytes)
      waitingBytes += bytes.length
      // A long record is scanned again only when it has doubled in size, not with each chunk.
      const isPause = bytes.length === 0
      if (isPause ? waitingBytes > 0 : waitingBytes >= held.length) yield* scanChunk(joined(), false)
    }
    yield* scanChunk(joined(), !input.grows)
    if (input.grows && !inside) yield emptyPiece(base)
  }

  let replayed: { readonly key: string; readonly opened: Opened } | undefined

  function decode(bytes: Uint8Array, context: Json | undefined): Row {
    const { header, cut } = (context ?? {}) as Context
    if (cut)
      throw new DataError(
        cut,
        'the bytes are part of a record that was longer than max_record_size, or had a quote that was not closed',
      )
    const names = options.header ? header : undefined
    if (options.header && !names)
      throw new DataError('missing_context', 'the record was kept without the header of its file')
    const key = JSON.stringify(names ?? null)
    if (replayed?.key !== key) {
      try {
        replayed = { key, opened: openWith(names, withoutPush) }
      } catch (error) {
        throw error instanceof MillraceError ? new DataError(error.code, error.message) : error
      }
    }
    const chunk = chunkOf(asBuffer(bytes), encoding, true)
    const rows = noRows()
    const failed: FailedRecord[] = []
    const { opened } = replayed
    const i = opened.scan(chunk.wide)(chunk.units, chunk.text, 0, chunk.end, rows, new Int32Array(4), failed, 2)
    const failure =
      failed[0]?.failure ?? (i < chunk.length ? giveUp(chunk, i, dialect, opened.layout, true)?.failure : undefined)
    if (failure) throw new DataError(failure.code, failure.message, failure.field)
    if (rows.length !== 1 || i < chunk.length)
      throw new DataError('not_one_record', 'the bytes are not exactly one record')
    return rows[0]!
  }

  return { read: readAll, decode }
}

const noSpans = new Int32Array(0)
