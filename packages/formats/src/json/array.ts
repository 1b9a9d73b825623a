/**
 * Reads a JSON array of objects, element by element, in bounded memory.
 *
 * A scan over the bytes finds the end of each element: a comma or bracket outside strings at depth zero. The element is
 * then parsed on its own, so that a bad one does not affect others; if the array itself is broken, reading stops. The
 * scan counts colons outside strings, so a duplicate key shows as one colon too many.
 *
 * Position: `{ offset }`, the byte after an element, where a comma or the closing bracket comes next.
 */
import { isUtf8 } from 'node:buffer'
import { MillraceError, type BadRecord, type Row, unknownOf } from '@millrace/core'
import type { Piece, ReadOptions, RecordReader } from '../reader.ts'
import { asBuffer } from '../text.ts'
import { badEncoding, decodeOne, rowsPerPiece } from './lines.ts'
import { jsonDefaults, type JsonOptions } from './options.ts'
import { recordParser, type RecordParser } from './record.ts'

interface Element {
  readonly bytes: Buffer
  /** Offset of its first byte in the file. */
  readonly offset: number
  /** Colons outside strings: one for each key. */
  readonly colons: number
}

/** Elements are handed out as soon as they have this many bytes. */
const bytesPerPiece = 1024 * 1024

const endOf = ({ offset, bytes }: Element): number => offset + bytes.length

/**
 * A reader of one JSON array of objects, UTF-8. Positions of pieces are `{ offset }`. Reading throws `MillraceError`
 * `broken_file` and `record_too_large`.
 */
export function createJsonReader(json: Partial<JsonOptions>, options: ReadOptions): RecordReader {
  const max = json.max_record_size ?? jsonDefaults.max_record_size
  return {
    async *read(input, at, signal) {
      const parser = recordParser(options)
      const offset = (at as { offset: number } | undefined)?.offset ?? 0
      const walk = new Walk(offset, max)
      let elements: Element[] = []
      let from = offset
      for await (const chunk of input.stream(offset, signal)) {
        walk.feed(asBuffer(chunk), elements)
        const isPause = chunk.length === 0
        while (
          elements.length >= rowsPerPiece ||
          (elements.length > 0 && (isPause || endOf(elements.at(-1)!) - from >= bytesPerPiece))
        ) {
          const piece = pieceOf(parser, elements.slice(0, rowsPerPiece), from)
          elements = elements.slice(rowsPerPiece)
          yield piece
          from = (piece.position as { offset: number }).offset
        }
      }
      walk.end()
      yield pieceOf(parser, elements, from)
    },
    decode: (bytes, context) => decodeOne(recordParser({ ...options, push: undefined }), bytes, context),
  }
}

/** `first`: after the bracket; `next`: after a comma. */
type State = 'start' | 'first' | 'next' | 'element' | 'after' | 'end'

const byteOrderMark = [0xef, 0xbb, 0xbf]

/** The scan over one file's bytes. */
class Walk {
  private state: State
  private offset: number
  private readonly max: number
  private held: Buffer[] = []
  private heldBytes = 0
  private depth = 0
  private inText = false
  private escaped = false
  private colons = 0

  constructor(offset: number, max: number) {
    this.offset = offset
    this.max = max
    this.state = offset === 0 ? 'start' : 'after'
  }

  /** Scans a chunk and appends the elements that end in it. */
  feed(chunk: Buffer, elements: Element[]): void {
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const c = chunk[i]!
      if (this.state !== 'element') {
        if (isBlank(c) || (this.state === 'start' && c === byteOrderMark[this.offset + i])) continue
        if ((this.state === 'first' || this.state === 'next') && c !== 0x5d && c !== 0x2c) {
          this.state = 'element'
          start = i
        } else {
          this.state = this.next(c, this.offset + i)
          continue
        }
      }
      if (this.inText) {
        if (this.escaped) this.escaped = false
        else if (c === 0x5c) this.escaped = true
        else if (c === 0x22) this.inText = false
      } else if (c === 0x22) this.inText = true
      else if (c === 0x3a) this.colons++
      else if (c === 0x7b || c === 0x5b) this.depth++
      else if (this.depth > 0 && (c === 0x7d || c === 0x5d)) this.depth--
      else if (this.depth === 0 && (c === 0x2c || c === 0x5d)) {
        elements.push(this.take(chunk, start, i))
        this.state = this.next(c, this.offset + i)
      }
    }
    if (this.state === 'element') {
      this.held.push(chunk.subarray(start))
      this.heldBytes += chunk.length - start
      if (this.heldBytes > this.max) throw this.tooLarge()
    }
    this.offset += chunk.length
  }

  /** Handles byte `c` outside elements. */
  private next(c: number, offset: number): State {
    if (this.state === 'start' && c === 0x5b) return 'first'
    if (c === 0x5d && (this.state === 'first' || this.state === 'after' || this.state === 'element')) return 'end'
    if (c === 0x2c && (this.state === 'after' || this.state === 'element')) return 'next'
    const hint =
      this.state === 'start'
        ? 'read files with one object per line with format: jsonl'
        : 'the file is damaged, or has more than one value'
    const what = {
      start: 'does not begin with an array',
      first: 'has a comma without an element before it',
      next: 'has a comma without an element after it',
      element: 'has no comma after an element',
      after: 'has no comma after an element',
      end: 'continues after its array',
    }[this.state]
    throw new MillraceError('broken_file', `the JSON ${what} (byte ${offset})`, { hint })
  }

  private take(chunk: Buffer, start: number, end: number): Element {
    const last = chunk.subarray(start, end)
    const bytes = this.held.length === 0 ? last : Buffer.concat([...this.held, last])
    if (bytes.length > this.max) throw this.tooLarge()
    const element = { bytes, offset: this.offset + end - bytes.length, colons: this.colons }
    this.held = []
    this.heldBytes = 0
    this.colons = 0
    return element
  }

  private tooLarge(): MillraceError {
    return new MillraceError(
      'record_too_large',
      `an element is longer than ${this.max} bytes (before byte ${this.offset + 1})`,
      {
        hint: 'raise max_record_size',
      },
    )
  }

  /** Must be called at the end of the file. Throws if it ended too early. */
  end(): void {
    if (this.state !== 'end') {
      throw new MillraceError('broken_file', `the JSON array does not end (byte ${this.offset})`, {
        hint: 'the file is truncated; fetch it again',
      })
    }
  }
}

const isBlank = (c: number): boolean => c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09

function pieceOf(parser: RecordParser, elements: readonly Element[], from: number): Piece {
  const rows: Row[] = []
  const taken: Element[] = []
  const bad: BadRecord[] = []
  for (const element of elements) {
    const { bytes, offset, colons } = element
    const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined
    const row = text === undefined ? undefined : parser.parse(text, colons)
    if (row) {
      rows.push(row)
      taken.push(element)
    } else
      bad.push({
        position: offset,
        bytes,
        ...(text === undefined ? badEncoding : parser.failure),
      })
  }
  const last = elements.at(-1)
  const to = last ? endOf(last) : from
  return {
    rows,
    position: { offset: to },
    bytes: to - from,
    positionAt: (i) => taken[i]!.offset,
    rawAt: (i) => taken[i]!.bytes,
    ...unknownOf(parser.tally),
    ...(bad.length > 0 ? { bad } : {}),
  }
}
