/**
 * Decompresses LZ4: blocks (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), bare or as Hadoop frames
 * them, and LZ4's own frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). Nothing is written beyond
 * the declared size.
 */

/** The bytes are damaged, or not in this format. */
export class BadBytes extends Error {}

/** Copies what is `offset` bytes before `end`; it may overlap what is being written. */
export function copyBack(out: Uint8Array, end: number, offset: number, length: number): number {
  if (offset === 0 || offset > end || length > out.length - end) throw new BadBytes('a back-reference is out of bounds')
  if (offset >= length) out.copyWithin(end, end - offset, end - offset + length)
  else for (let i = end; i < end + length; i++) out[i] = out[i - offset]!
  return end + length
}

/**
 * Decompresses one block into `out`, from `start` on; it may copy from what was written before. Returns the new end.
 */
function block(bytes: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  let at = from
  let end = start
  const long = (length: number) => {
    let all = length
    for (let byte = length < 15 ? 0 : 255; byte === 255; all += byte) {
      if (at >= to) throw new BadBytes('it ends early')
      byte = bytes[at++]!
    }
    return all
  }
  while (at < to) {
    const token = bytes[at++]!
    const literals = long(token >> 4)
    if (literals > to - at || literals > out.length - end) throw new BadBytes('it is longer than declared')
    out.set(bytes.subarray(at, at + literals), end)
    at += literals
    end += literals
    if (at >= to) break
    if (to - at < 2) throw new BadBytes('it ends early')
    const offset = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    end = copyBack(out, end, offset, long(token & 15) + 4)
  }
  return end
}

/** A bare block. */
export function unlz4(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size)
  return out.subarray(0, block(bytes, 0, bytes.length, out, 0))
}

/** As Hadoop frames it: each block after its length and its compressed length, big-endian; or a bare block. */
export function unlz4Hadoop(bytes: Uint8Array, size: number): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const out = new Uint8Array(size)
  let end = 0
  for (let at = 0; at < bytes.length; ) {
    const length = at + 8 <= bytes.length ? view.readUInt32BE(at) : size + 1
    const packed = length <= size - end ? view.readUInt32BE(at + 4) : bytes.length
    if (packed > bytes.length - at - 8) return unlz4(bytes, size)
    end = block(bytes, at + 8, at + 8 + packed, out.subarray(0, end + length), end)
    at += 8 + packed
  }
  return out.subarray(0, end)
}

const frameMagic = 0x184d2204

/** Frames. Their checksums are not verified. */
export function unlz4Frame(bytes: Uint8Array, size: number): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const out = new Uint8Array(size)
  let end = 0
  let at = 0
  const need = (length: number) => {
    if (length > bytes.length - at) throw new BadBytes('it ends early')
  }
  while (at < bytes.length) {
    need(7)
    const flags = bytes[at + 4]!
    if (view.readUInt32LE(at) !== frameMagic || flags >> 6 !== 1) throw new BadBytes('it is not an LZ4 frame')
    at += 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0)
    for (;;) {
      need(4)
      const head = view.readUInt32LE(at)
      at += 4
      if (head === 0) break
      const length = head & 0x7fffffff
      need(length)
      if (head >>> 31) {
        if (length > size - end) throw new BadBytes('it is longer than declared')
        out.set(bytes.subarray(at, at + length), end)
        end += length
      } else end = block(bytes, at, at + length, out, end)
      at += length + (flags & 16 ? 4 : 0)
    }
    at += flags & 4 ? 4 : 0
  }
  return out.subarray(0, end)
}
