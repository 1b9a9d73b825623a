/** Where lines and values go: straight, where they look like those before them, else the careful way. */
import { isUtf8 } from 'node:buffer'
import type { Row } from '@millrace/core'
import type { ReadOptions, Tally } from '../reader.ts'
import { recordParser, type RecordFailure, type RecordParser } from './record.ts'
import { straightScan, type StraightScan } from './straight.ts'

/** The straight way through lines, learned from a line that was read the careful way, and learned anew where too many lines go another. */
export class Way {
  scan: StraightScan | undefined
  private readonly options: ReadOptions
  private lessons = 0
  private straight = 0
  private careful = 0

  constructor(options: ReadOptions) {
    this.options = options
  }

  wentStraight(): void {
    this.straight++
  }

  /** A line was read the careful way. */
  learn(parser: RecordParser): void {
    if (this.lessons > 3 || (this.scan && ++this.careful < 16 + this.straight)) return
    this.scan = this.lessons++ < 3 ? straightScan(this.options, parser.order) : undefined
    this.straight = this.careful = 0
  }
}

/** Makes a reader of single values, each the bytes of a JSON object: its row; undefined: it is bad, and `failure` says why. */
export function valueReader(options: ReadOptions): { read(value: Buffer): Row | undefined; readonly failure: RecordFailure; readonly tally: Tally } {
  const parser = recordParser(options)
  const { tally } = parser
  const way = new Way({ ...options, tally })
  return {
    tally,
    read(value) {
      const valid = isUtf8(value)
      const straight = valid ? way.scan?.scan(value, value.toString('latin1'), 0) : undefined
      if (straight && way.scan!.lineEnd === value.length) {
        way.wentStraight()
        return straight
      }
      if (!valid) {
        parser.failure = { code: 'bad_encoding', message: 'the value is not UTF-8: use `format: bytes`' }
        return undefined
      }
      const row = parser.parse(value.toString('utf8'))
      if (row) way.learn(parser)
      return row
    },
    get failure() {
      return parser.failure
    },
  }
}
