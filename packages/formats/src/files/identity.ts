/**
 * What tells one content from another under the same name. A file's identity, a part of the ids of its records, is its name and a hash of its header and first record. What
 * a position was reached in is told by a hash of the bytes before it, 4 KiB at most.
 */
import { createHash } from 'node:crypto'
import type { ByteSource } from '../reader.ts'
import { type Encoding, unitBytes } from '../text.ts'

const most = 64 * 1024
/** How many bytes a position's hash covers at most. */
export const headBytes = 4096

/** The first bytes of an input until they are `enough`; all of them where it ends before. */
export async function beginning(
  input: ByteSource,
  enough: (bytes: Buffer) => boolean,
  signal: AbortSignal,
): Promise<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of input.stream(0, signal)) {
    held = Buffer.concat([held, chunk])
    if (enough(held)) break
  }
  return held
}

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
  /** So many lines at its beginning, empty ones apart, hold its header and first record, and it may grow. Absent: it is told by its first and last bytes and its size. */
  readonly lines?: number
}

/** The end of the first lines; undefined: they go on behind these bytes. No more than 64 KiB count. */
function endOfLines(bytes: Buffer, lines: number, { unit, bigEndian }: TextUnits = { unit: 1 }): number | undefined {
  const at = (i: number) =>
    unit === 1
      ? bytes[i]
      : i + 1 < bytes.length
        ? bigEndian
          ? bytes.readUInt16BE(i)
          : bytes.readUInt16LE(i)
        : undefined
  let left = lines
  let start = 0
  for (let i = 0; i < Math.min(bytes.length, most); i += unit) {
    const c = at(i)
    // CR LF ends a line with its second half; empty lines do not count.
    if (c !== 10 && (c !== 13 || i + unit >= bytes.length || at(i + unit) === 10)) continue
    if (i > start && --left === 0) return i + unit
    start = i + unit
  }
  return bytes.length >= most ? most : undefined
}

/** Whether so many bytes tell files of this shape apart. */
export const isEnough =
  ({ lines, text }: Shape) =>
  (bytes: Buffer): boolean =>
    lines === undefined ? bytes.length >= headBytes : endOfLines(bytes, lines, text) !== undefined

/** The identity of an input that begins with these bytes, which are enough or all: 12 hexadecimal digits. */
export async function identityOf(bytes: Buffer, { lines, text }: Shape, input: ByteSource): Promise<string> {
  const hash = createHash('sha256')
  if (lines !== undefined) hash.update(bytes.subarray(0, endOfLines(bytes, lines, text) ?? bytes.length))
  else {
    hash.update(bytes.subarray(0, headBytes))
    if (input.size !== undefined)
      hash.update(await input.slice(Math.max(0, input.size - headBytes), input.size)).update(String(input.size))
  }
  return hash.digest('hex').slice(0, 12)
}

/** The hash that a position carries: of the bytes before `offset`, 4 KiB at most; absent: of the first 4 KiB. `undefined`: the input has fewer bytes. */
export async function headHash(
  input: ByteSource,
  offset: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const length = Math.min(headBytes, offset ?? headBytes)
  const bytes = length === 0 ? Buffer.alloc(0) : await beginning(input, (held) => held.length >= length, signal)
  if (offset !== undefined && bytes.length < length) return undefined
  return createHash('sha256').update(bytes.subarray(0, length)).digest('hex').slice(0, 16)
}
