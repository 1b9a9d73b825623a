/** How a format lays out its bytes, as far as whoever opens its files has to know. */
import type { RecordReader } from './reader.ts'
import { type Encoding, unitBytes } from './text.ts'

/** Code units of a text; offsets are in bytes. */
export interface TextUnits {
  readonly unit: 1 | 2
  readonly bigEndian?: true
}

/** See `TextUnits`. */
export const textUnits = (encoding: Encoding): TextUnits => ({
  unit: unitBytes(encoding),
  ...(encoding === 'utf-16be' ? { bigEndian: true } : {}),
})

/** How a format is laid out, as far as it tells one content from another. */
export interface Shape {
  /** It is text, and the positions of records are bytes of it. Absent: they are numbers of records. */
  readonly text?: TextUnits
  /**
   * So many lines at its beginning, empty ones apart, hold its header and first record, and it may grow. Absent: it is
   * told by its first and last bytes and its size.
   */
  readonly lines?: number
}

/** How files of one format are read. */
export interface InputFormat extends Shape {
  readonly reader: RecordReader
}
