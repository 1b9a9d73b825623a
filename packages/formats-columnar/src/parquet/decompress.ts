/**
 * Decompression of pages to the size that their headers declare, never more: by Node's own zstd, gzip and brotli, and
 * by snappy (https://github.com/google/snappy/blob/main/format_description.txt) and LZ4
 * (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md) here.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { broken, unsupported } from './broken.ts'

const names = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW']

/** The bytes of a page, `size` in all. Throws `MillraceError`. */
export function decompress(codec: number, bytes: Uint8Array, size: number): Uint8Array {
  const page = unpacked(codec, bytes, size)
  if (page.length !== size) throw broken('a page is not as long as its header says')
  return page
}

function unpacked(codec: number, bytes: Uint8Array, size: number): Uint8Array {
  const bound = { maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) }
  try {
    switch (names[codec]) {
      case 'UNCOMPRESSED':
        return bytes
      case 'SNAPPY':
        return unsnappy(bytes, size)
      case 'GZIP':
        return gunzipSync(bytes, bound)
      case 'BROTLI':
        return brotliDecompressSync(bytes, bound)
      case 'ZSTD':
        return zstdDecompressSync(bytes, bound)
      case 'LZ4_RAW':
        return unlz4(bytes, 0, bytes.length, new Uint8Array(size), 0)
      case 'LZ4':
        return unlz4Frames(bytes, size)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.name !== 'MillraceError')
      throw broken(`a page cannot be decompressed: ${error.message}`, error)
    throw error
  }
  throw unsupported(
    `the file is compressed with ${names[codec] ?? `codec ${codec}`}, which cannot be read`,
    'write it with zstd, snappy or gzip',
  )
}

const damaged = () => broken('a page cannot be decompressed')

function unsnappy(bytes: Uint8Array, size: number): Uint8Array {
  let at = 0
  let declared = 0
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++]
    if (byte === undefined || at > 5) throw damaged()
    declared += (byte & 127) * factor
    if (byte < 128) break
  }
  if (declared !== size) throw damaged()
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
      if (length > bytes.length - at || length > size - end) throw damaged()
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
    if (at > bytes.length || offset === 0 || offset > end || length > size - end) throw damaged()
    end = again(out, end, offset, length)
  }
  if (end !== size) throw damaged()
  return out
}

function little(bytes: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}

/** Copies what stands `offset` before; it may reach into what is being written. */
function again(out: Uint8Array, end: number, offset: number, length: number): number {
  if (offset >= length) out.copyWithin(end, end - offset, end - offset + length)
  else for (let i = end; i < end + length; i++) out[i] = out[i - offset]!
  return end + length
}

/** One block, into `out` from `end` on; what was written before it may be copied from. */
function unlz4(bytes: Uint8Array, from: number, to: number, out: Uint8Array, end: number): Uint8Array {
  let at = from
  const long = (length: number) => {
    if (length < 15) return length
    let all = length
    for (;;) {
      const byte = at < to ? bytes[at++]! : -1
      if (byte < 0) throw damaged()
      all += byte
      if (byte < 255) return all
    }
  }
  while (at < to) {
    const token = bytes[at++]!
    const literals = long(token >> 4)
    if (literals > to - at || literals > out.length - end) throw damaged()
    out.set(bytes.subarray(at, at + literals), end)
    at += literals
    end += literals
    if (at >= to) break
    const offset = bytes[at]! | ((bytes[at + 1] ?? 0) << 8)
    at += 2
    const length = long(token & 15) + 4
    if (at > to || offset === 0 || offset > end || length > out.length - end) throw damaged()
    end = again(out, end, offset, length)
  }
  return out.subarray(0, end)
}

/** LZ4 as Hadoop frames it: each block behind its length and its compressed length, big-endian; or a bare block. */
function unlz4Frames(bytes: Uint8Array, size: number): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const out = new Uint8Array(size)
  let end = 0
  for (let at = 0; at < bytes.length; ) {
    const length = at + 8 <= bytes.length ? view.readUInt32BE(at) : size + 1
    const packed = length <= size - end ? view.readUInt32BE(at + 4) : bytes.length
    if (packed > bytes.length - at - 8) return unlz4(bytes, 0, bytes.length, out, 0)
    end = unlz4(bytes, at + 8, at + 8 + packed, out.subarray(0, end + length), end).length
    at += 8 + packed
  }
  return out.subarray(0, end)
}
