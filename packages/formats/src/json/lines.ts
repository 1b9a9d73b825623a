/**
 * Reads JSON lines.
 *
 * Bytes are split at line feeds, and each line is parsed on its own, so that a bad one does not affect others. A line
 * with the usual order of keys is read directly from its bytes (line-scan.ts); others are decoded and parsed. Duplicate
 * keys in an object, of which JSON.parse silently keeps the last, are found by counting: there must be as many colons
 * that can follow a key as there are keys in the result, otherwise the line is checked in detail. A line that is too
 * long to be buffered becomes bad records of `max_record_size`, so that none of its bytes is lost.
 *
 * Position: `{ offset }`, the byte after the last line; with `inside` if that is within a line that is too long.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { DataError, type BadRecord, hasLongRun, type Json, jsonFault, type Row, unknownOf } from '@millrace/core'
import type { Piece, ReadOptions, RecordReader } from '../reader.ts'
import { asBuffer } from '../text.ts'
import { colonsAfterKeys } from './colons.ts'
import { jsonDefaults, type JsonOptions } from './options.ts'
import { countedLater, faultOfRecord, recordParser, type RecordFailure, type RecordParser } from './record.ts'
import { FastPath } from './fast-path.ts'

interface LinesPosition {
  readonly offset: number
  readonly inside?: boolean
}

/** Whole lines, except that the first may be the rest of a line (`inside`) and the last may continue (`open`). */
interface Block {
  readonly bytes: Buffer
  readonly base: number
  readonly inside: boolean
  readonly open: boolean
}

export const rowsPerPiece = 1000

/** The beginning of a character that is written by its number. */
const escape = Buffer.from('\\u')

/**
 * A reader of JSON lines: UTF-8, one object per line, blank lines skipped. Positions of pieces are `{ offset }`. The
 * parts of a line that is too long are separate pieces, with a `context` that prevents them from being taken for
 * records.
 */
export function createJsonLinesReader(json: Partial<JsonOptions>, options: ReadOptions): RecordReader {
  const max = json.max_record_size ?? jsonDefaults.max_record_size
  return {
    async *read(input, at, signal) {
      const parser = recordParser(options)
      const fast = new FastPath({ ...options, tally: parser.tally })
      const from = (at as unknown as LinesPosition | undefined) ?? { offset: 0 }
      for await (const block of cutAtLineFeeds(input.stream(from.offset, signal), from, max, input.grows)) {
        yield* pieces(block, parser, fast, max)
      }
    },
    decode: (bytes, context) => decodeOne(recordParser({ ...options, push: undefined }), bytes, context),
  }
}

/**
 * Makes a decoder of JSON lines that are completely in memory, of any length; positions are offsets in them. What it
 * learns from one text is used for the next.
 */
export function jsonLinesDecoder(options: ReadOptions): (bytes: Buffer) => Generator<Piece> {
  const parser = recordParser(options)
  const fast = new FastPath({ ...options, tally: parser.tally })
  return (bytes) => pieces({ bytes, base: 0, inside: false, open: false }, parser, fast, Number.POSITIVE_INFINITY)
}

/** Decodes the bytes of one record. Throws `DataError`. */
export function decodeOne(parser: RecordParser, bytes: Uint8Array, context: Json | undefined): Row {
  if (context !== undefined)
    throw new DataError('record_too_large', 'is part of a line that is longer than max_record_size')
  if (!isUtf8(bytes)) throw new DataError('bad_encoding', badEncoding.message)
  const row = parser.parse(asBuffer(bytes).toString('utf8'))
  if (row) return row
  const { code, message, field } = parser.failure
  throw new DataError(code, message, field)
}

export const badEncoding: RecordFailure = {
  code: 'bad_encoding',
  message: 'is not UTF-8, as JSON must be: convert the file first (iconv -f ISO-8859-1 -t UTF-8)',
}

async function* cutAtLineFeeds(
  chunks: AsyncIterable<Uint8Array>,
  from: LinesPosition,
  max: number,
  grows = false,
): AsyncGenerator<Block> {
  let base = from.offset
  let inside = from.inside === true
  let held: Uint8Array[] = []
  let heldBytes = 0
  const take = (length: number, open: boolean): Block => {
    const all = held.length === 1 ? held[0]! : Buffer.concat(held)
    const block = { bytes: asBuffer(all.subarray(0, length)), base, inside, open }
    held = length === all.length ? [] : [all.subarray(length)]
    heldBytes -= length
    base += length
    inside = open
    return block
  }
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(10) + 1
    held.push(chunk)
    heldBytes += chunk.length
    if (end > 0) yield take(heldBytes - chunk.length + end, false)
    if (heldBytes > max) yield take(Math.floor((heldBytes - 1) / max) * max, true)
  }
  if (heldBytes > 0 && !grows) yield take(heldBytes, false)
}

/** The rows of one piece. */
class Gathered {
  rows: Row[] = []
  /** Start and end of each row's line in the block. */
  spans = new Int32Array(2 * rowsPerPiece)
  keys = new Int32Array(rowsPerPiece)
  totalKeys = 0
  /** Rows that the scanner read directly. */
  fast = 0
  bad: BadRecord[] = []
}

function* pieces(
  { bytes, base, inside, open }: Block,
  parser: RecordParser,
  fast: FastPath,
  max: number,
): Generator<Piece> {
  // One text for the whole block if it is all UTF-8; otherwise each line is decoded separately. ASCII (the most common
  // case) is decoded without inspecting its characters.
  const ascii = isAscii(bytes)
  const valid = ascii || isUtf8(bytes)
  let latin1 = ascii ? bytes.toString('latin1') : undefined
  let isInspected = false
  let into = new Gathered()
  let from = 0
  let at = base === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (at < bytes.length) {
    const row =
      fast.scan && valid && !open && !(inside && at === 0)
        ? fast.scan.scan(bytes, (latin1 ??= bytes.toString('latin1')), at, bytes.length)
        : undefined
    let end: number
    if (row && fast.scan!.lineEnd - at <= max) {
      end = fast.scan!.lineEnd
      put(into, row, at, end, checked)
      fast.hit()
    } else {
      end = bytes.indexOf(10, at)
      if (end < 0) end = bytes.length
      if (open || end - at > max || (at === 0 && inside)) {
        if (at > from) yield finish(into, parser, bytes, base, from, at)
        yield tooLong(bytes, base, at, end, max, inside && at === 0, open)
        into = new Gathered()
        from = end + 1
      } else if (!valid && !isUtf8(bytes.subarray(at, end)))
        into.bad.push({ position: base + at, bytes: bytes.subarray(at, end), ...badEncoding })
      else {
        if (!isInspected) {
          parser.escapes = bytes.includes(escape)
          parser.runs = hasLongRun(bytes)
          isInspected = true
        }
        add(into, parser, fast, ascii ? latin1!.slice(at, end) : bytes.toString('utf8', at, end), bytes, base, at, end)
      }
    }
    at = end + 1
    if (into.rows.length === rowsPerPiece || into.bad.length === rowsPerPiece) {
      yield finish(into, parser, bytes, base, from, at)
      from = at
      into = new Gathered()
    }
  }
  if (from < bytes.length) yield finish(into, parser, bytes, base, from, bytes.length)
}

/** Instead of a number of keys: the scanner read the line directly, so no key is duplicated. */
const checked = -1

function put(into: Gathered, row: Row, at: number, end: number, keys: number): void {
  const n = into.rows.push(row) - 1
  into.spans[2 * n] = at
  into.spans[2 * n + 1] = end
  into.keys[n] = keys
  if (keys === checked) into.fast++
  else into.totalKeys += keys
}

function add(
  into: Gathered,
  parser: RecordParser,
  fast: FastPath,
  line: string,
  bytes: Buffer,
  base: number,
  at: number,
  end: number,
): void {
  const row = parser.parse(line, countedLater)
  if (row) {
    put(into, row, at, end, parser.keys)
    fast.learn(parser)
  } else if (line.trim() !== '')
    into.bad.push({ position: base + at, bytes: bytes.subarray(at, end), ...parser.failure })
}

/** A line that is too long, or the available part of it, as bad records. */
function tooLong(
  bytes: Buffer,
  base: number,
  at: number,
  end: number,
  max: number,
  inside: boolean,
  open: boolean,
): Piece {
  const bad: BadRecord[] = []
  for (let start = at; start < end; start += max) {
    const what = start > at || inside ? 'continues the previous record, which' : 'begins a line that'
    const message = `${what} is longer than max_record_size (${max} bytes)`
    bad.push({
      position: base + start,
      bytes: bytes.subarray(start, Math.min(start + max, end)),
      code: 'record_too_large',
      message,
    })
  }
  const to = Math.min(end + 1, bytes.length)
  const position: Json = open ? { offset: base + to, inside: true } : { offset: base + to }
  return { rows: [], bad, position, bytes: to - at, positionAt: () => base + at, context: { cut: true } }
}

function finish(into: Gathered, parser: RecordParser, bytes: Buffer, base: number, from: number, to: number): Piece {
  let { rows, spans, bad } = into
  // For a piece without a directly read line, one count over all of it is cheaper than one per line.
  if (into.fast > 0 ? into.fast < rows.length : into.totalKeys !== colonsAfterKeys(bytes, from, to)) {
    const faults = new Map<number, RecordFailure>()
    for (const i of rows.keys()) {
      const fault = into.keys[i] === checked ? undefined : faultOfKeys(into, i, parser, bytes)
      if (fault) faults.set(i, fault)
    }
    if (faults.size > 0) {
      const indexes = Array.from(rows.keys()).filter((i) => !faults.has(i))
      for (const [i, fault] of faults)
        bad.push({ position: base + spans[2 * i]!, bytes: bytes.subarray(spans[2 * i]!, spans[2 * i + 1]!), ...fault })
      const all = spans
      spans = Int32Array.from(indexes.flatMap((i) => [all[2 * i]!, all[2 * i + 1]!]))
      rows = indexes.map((i) => rows[i]!)
      bad = bad.toSorted((a, b) => (a.position as number) - (b.position as number))
    }
  }
  return {
    rows,
    position: { offset: base + to },
    bytes: to - from,
    positionAt: (i) => base + spans[2 * i]!,
    rawAt: (i) => bytes.subarray(spans[2 * i]!, spans[2 * i + 1]!),
    ...unknownOf(parser.tally),
    ...(bad.length > 0 ? { bad } : {}),
  }
}

/**
 * What is wrong with the keys in row i's line, or undefined. From the first line that turns out to have objects inside,
 * their keys are counted too.
 */
function faultOfKeys(into: Gathered, i: number, parser: RecordParser, bytes: Buffer): RecordFailure | undefined {
  const start = into.spans[2 * i]!
  const end = into.spans[2 * i + 1]!
  const colons = colonsAfterKeys(bytes, start, end)
  if (colons === into.keys[i]) return undefined
  const line = bytes.toString('utf8', start, end)
  const fault = jsonFault(line, JSON.parse(line), colons)
  if (fault) return faultOfRecord(fault)
  parser.nested ||= line.includes('{', line.indexOf('{') + 1)
  return undefined
}
