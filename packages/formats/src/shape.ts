/** The layout of a format's bytes, as far as the code that opens its files needs it. */
import type { RecordReader } from './reader.ts'
import { type Encoding, unitBytes } from './text.ts'

/** Code units of a text; offsets are in bytes. */
export interface TextUnits {
  readonly unit: 1 | 2
  readonly bigEndian?: boolean
}

/** See `TextUnits`. */
export const textUnits = (encoding: Encoding): TextUnits => ({
  unit: unitBytes(encoding),
  bigEndian: encoding === 'utf-16be',
})

/** The layout of a format, as far as it distinguishes one content from another. */
export interface Shape {
  /** It is text, and the positions of records are byte offsets. Absent: they are record numbers. */
  readonly text?: TextUnits
  /**
   * The number of non-empty lines at its beginning that contain its header and first record; the file may grow. Absent:
   * it is identified by its first and last bytes and its size.
   */
  readonly lines?: number
}

/** How files of one format are read. */
export interface InputFormat extends Shape {
  readonly reader: RecordReader
}
