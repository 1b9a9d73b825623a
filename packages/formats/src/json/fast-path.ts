/** Chooses between the two paths through JSON lines: the fast scanner where lines look like those before them. */
import type { ReadOptions } from '../reader.ts'
import { lineScan, type LineScan } from './line-scan.ts'
import type { RecordParser } from './record.ts'

/**
 * The fast path for lines, learned from a line on the careful path, and learned again if too many lines do not match.
 */
export class FastPath {
  scan: LineScan | undefined
  private readonly options: ReadOptions
  private learned = 0
  private hits = 0
  private misses = 0

  constructor(options: ReadOptions) {
    this.options = options
  }

  /** A line was read on the fast path. */
  hit(): void {
    this.hits++
  }

  /** A line was read on the careful path: its keys are learned if that may pay. */
  learn(parser: RecordParser): void {
    if (this.learned > 3 || (this.scan && ++this.misses < 16 + this.hits)) return
    this.scan = this.learned++ < 3 ? lineScan(this.options, parser.order) : undefined
    this.hits = this.misses = 0
  }
}
