/** Reads single values that are JSON objects, such as the values of a stream's messages. */
import { isUtf8 } from 'node:buffer'
import type { Row, Tally } from '@millrace/core'
import type { ReadOptions } from '../reader.ts'
import { colonsAfterKeys } from './colons.ts'
import { FastPath } from './fast-path.ts'
import { recordParser, type RecordFailure } from './record.ts'

/** Bytes with several values, and their Latin-1 text on demand: it is made once for all of them. */
export class Block {
  readonly bytes: Buffer
  private readonly memory: ArrayBufferLike
  private readonly offset: number
  private latin1: string | undefined
  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.memory = bytes.buffer
    this.offset = bytes.byteOffset
  }
  /** The offset of a value in it; negative: the value is not part of it. */
  placeOf(value: Buffer): number {
    const at = value.byteOffset - this.offset
    return value.buffer === this.memory && at + value.length <= this.bytes.length ? at : -1
  }
  get text(): string {
    return (this.latin1 ??= this.bytes.toString('latin1'))
  }
}

/** Reads values that are JSON objects. */
export interface ValueReader {
  /** The row of a value, which usually is part of `within`; undefined: it is bad, and `failure` says why. */
  read(value: Buffer, within?: Block): Row | undefined
  readonly failure: RecordFailure
  readonly tally: Tally
}

/** Makes a reader of values. */
export function valueReader(options: ReadOptions): ValueReader {
  const parser = recordParser(options)
  const { tally } = parser
  const fast = new FastPath({ ...options, tally })
  return {
    tally,
    read(value, within) {
      if (!isUtf8(value)) {
        parser.failure = { code: 'bad_encoding', message: 'the value is not UTF-8: use `format: bytes`' }
        return undefined
      }
      if (fast.scan) {
        let block = within ?? new Block(value)
        let at = block.placeOf(value)
        if (at < 0) {
          block = new Block(value)
          at = 0
        }
        const end = at + value.length
        const { unknown } = tally
        const row = fast.scan.scan(block.bytes, block.text, at, end)
        if (row && fast.scan.lineEnd === end) {
          fast.hit()
          return row
        }
        tally.unknown = unknown
      }
      const row = parser.parse(value.toString('utf8'), colonsAfterKeys(value))
      if (row) fast.learn(parser)
      return row
    },
    get failure() {
      return parser.failure
    },
  }
}
