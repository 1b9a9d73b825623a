/**
 * Distinguishes different contents under the same name. A file's identity, a part of the ids of its records, is its
 * name and a hash of its header and first record, or of its first and last bytes and its size.
 */
import { createHash } from 'node:crypto'
import type { Shape, TextUnits } from '@millrace/formats'
import type { FileInput } from './input.ts'

const most = 64 * 1024
/** For files that are not identified by their first lines: this many bytes at each end. */
const endBytes = 4096

/** The end of the first lines; undefined: they continue after these bytes. At most 64 KiB count. */
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
    // CR LF ends a line with its second character; empty lines do not count.
    if (c !== 10 && (c !== 13 || i + unit >= bytes.length || at(i + unit) === 10)) continue
    if (i > start && --left === 0) return i + unit
    start = i + unit
  }
  return bytes.length >= most ? most : undefined
}

/** The identity of a file: 12 hexadecimal digits. */
export async function identityOf(input: FileInput, { lines, text }: Shape, signal: AbortSignal): Promise<string> {
  let bytes: Buffer = Buffer.alloc(0)
  const lengthOf = () => (lines === undefined ? endBytes : endOfLines(bytes, lines, text))
  for await (const chunk of input.look(signal)) {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.length >= (lengthOf() ?? Number.POSITIVE_INFINITY)) break
  }
  const hash = createHash('sha256').update(bytes.subarray(0, lengthOf()))
  if (lines === undefined && input.size !== undefined)
    hash.update(await input.slice(Math.max(0, input.size - endBytes), input.size)).update(String(input.size))
  return hash.digest('hex').slice(0, 12)
}
