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
export async function beginning(input: ByteSource, enough: (bytes: Buffer) => boolean, signal: AbortSignal): Promise<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of input.stream(0, signal)) {
    held = Buffer.concat([held, chunk])
    if (enough(held)) break
  }
  return held
}

/** How the beginning of a format is told: by its first lines (`unit`: bytes of a character), or by its first and last bytes and its size. */
export type Beginning = { readonly lines: number; readonly unit: number; readonly bigEndian?: boolean } | 'whole'

/** A format whose first `lines` lines hold its header and first record. */
export const linesAt = (lines: number, encoding: Encoding): Beginning => ({
  lines,
  unit: unitBytes(encoding),
  ...(encoding === 'utf-16be' ? { bigEndian: true } : {}),
})

/** The end of the first lines; undefined: they go on behind these bytes. No more than 64 KiB count. */
function endOfLines(bytes: Buffer, { lines, unit, bigEndian }: Exclude<Beginning, 'whole'>): number | undefined {
  const at = (i: number) => (unit === 1 ? bytes[i] : i + 1 < bytes.length ? (bigEndian ? bytes.readUInt16BE(i) : bytes.readUInt16LE(i)) : undefined)
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

/** Whether so many bytes tell files apart. */
export const isEnough =
  (how: Beginning) =>
  (bytes: Buffer): boolean =>
    how === 'whole' ? bytes.length >= headBytes : endOfLines(bytes, how) !== undefined

/** The identity of an input that begins with these bytes, which are enough or all: 12 hexadecimal digits. */
export async function identityOf(bytes: Buffer, how: Beginning, input: ByteSource): Promise<string> {
  const hash = createHash('sha256')
  if (how !== 'whole') hash.update(bytes.subarray(0, endOfLines(bytes, how) ?? bytes.length))
  else {
    hash.update(bytes.subarray(0, headBytes))
    if (input.size !== undefined) hash.update(await input.slice(Math.max(0, input.size - headBytes), input.size)).update(String(input.size))
  }
  return hash.digest('hex').slice(0, 12)
}

/** The hash that a position carries: of the bytes before `offset`, 4 KiB at most; absent: of the first 4 KiB. `undefined`: the input has fewer bytes. */
export async function headHash(input: ByteSource, offset: number | undefined, signal: AbortSignal): Promise<string | undefined> {
  const length = Math.min(headBytes, offset ?? headBytes)
  const bytes = length === 0 ? Buffer.alloc(0) : await beginning(input, (held) => held.length >= length, signal)
  if (offset !== undefined && bytes.length < length) return undefined
  return createHash('sha256').update(bytes.subarray(0, length)).digest('hex').slice(0, 16)
}
