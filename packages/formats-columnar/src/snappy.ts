/** Decompresses snappy (https://github.com/google/snappy/blob/main/format_description.txt). */
import { BadBytes, copyBack } from './lz4.ts'

/** `size` bytes. Throws `BadBytes`. */
export function unsnappy(bytes: Uint8Array, size: number): Uint8Array {
  let at = 0
  let declared = 0
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++]
    if (byte === undefined || at > 5) throw new BadBytes('it does not begin with its length')
    declared += (byte & 127) * factor
    if (byte < 128) break
  }
  if (declared !== size) throw new BadBytes('it does not have the declared length')
  const out = new Uint8Array(size)
  let end = 0
  while (at < bytes.length) {
    const tag = bytes[at++]!
    let length = (tag >> 2) + 1
    if ((tag & 3) === 0) {
      if (length > 60) {
        const more = length - 60
        length = little(bytes, at, more) + 1
        at += more
      }
      if (length > bytes.length - at) throw new BadBytes('it ends early')
      if (length > size - end) throw new BadBytes('it does not have the declared length')
      out.set(bytes.subarray(at, at + length), end)
      at += length
      end += length
      continue
    }
    let offset: number
    if ((tag & 3) === 1) {
      length = ((tag >> 2) & 7) + 4
      offset = ((tag >> 5) << 8) | (bytes[at] ?? 0)
      at++
    } else {
      const width = (tag & 3) === 2 ? 2 : 4
      offset = little(bytes, at, width)
      at += width
    }
    if (at > bytes.length) throw new BadBytes('it ends early')
    end = copyBack(out, end, offset, length)
  }
  if (end !== size) throw new BadBytes('it does not have the declared length')
  return out
}

function little(bytes: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}
