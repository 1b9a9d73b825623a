/** Decompresses bytes that are held whole, to the declared size and never more. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { BadBytes, unlz4, unlz4Frame, unlz4Hadoop } from './lz4.ts'
import { unsnappy } from './snappy.ts'

type Decompress = (bytes: Uint8Array, size: number) => Uint8Array

/** By the names that the formats give them. */
export const codecs = {
  UNCOMPRESSED: (bytes) => bytes,
  SNAPPY: unsnappy,
  GZIP: (bytes, size) => gunzipSync(bytes, bound(size)),
  BROTLI: (bytes, size) => brotliDecompressSync(bytes, bound(size)),
  ZSTD: (bytes, size) => zstdDecompressSync(bytes, bound(size)),
  LZ4_RAW: unlz4,
  LZ4: unlz4Hadoop,
  LZ4_FRAME: unlz4Frame,
} satisfies Record<string, Decompress>
export type CodecName = keyof typeof codecs

const bound = (size: number) => ({ maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) })

/** The `size` bytes, or a text that says what is wrong. */
export function decompress(codec: CodecName, bytes: Uint8Array, size: number): Uint8Array | string {
  try {
    const out = codecs[codec](bytes, size)
    return out.length === size ? out : 'it does not have the declared length'
  } catch (error) {
    if (error instanceof BadBytes || (error instanceof Error && 'code' in error)) return error.message
    throw error
  }
}
