/**
 * gzip and zstd, by file name, as streams with bounded memory.
 *
 * Node's zstd decoder silently drops whatever follows the end of a frame within one write. Files with several frames
 * are common (pzstd, appended files), so the input is split at frame boundaries (zstd-frames.ts) and each frame is
 * written separately. gzip members need no such care.
 */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
} from 'node:zlib'
import { MillraceError } from '@millrace/core'
import { zstdFrames } from './zstd-frames.ts'

/** The compression of a file, by the end of its name. */
export type Compression = 'gzip' | 'zstd'

const endings: Readonly<Record<string, Compression>> = { '.gz': 'gzip', '.zst': 'zstd' }
const chunkSize = 256 * 1024

/** The compression according to a file name: `.gz` or `.zst`. */
export function compressionOf(fileName: string): Compression | undefined {
  const dot = fileName.lastIndexOf('.')
  return dot < 0 ? undefined : endings[fileName.slice(dot).toLowerCase()]
}

/** The file name without the extension of its compression: `orders.csv.gz` is `orders.csv`. */
export const withoutCompression = (fileName: string): string =>
  compressionOf(fileName) ? fileName.slice(0, fileName.lastIndexOf('.')) : fileName

// Small tables and few output chunks: larger ones take longer to set up than they would save.
const quick = {
  chunkSize: 32 * 1024,
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 },
}

/** Compresses some hundred kilobytes to a zstd frame, in less time than it takes to write them to a database. */
export const quickZstd = (bytes: string | Uint8Array): Buffer => zstdCompressSync(bytes, quick)

/**
 * The decompressed bytes of compressed chunks. Throws `MillraceError` `broken_compression` if they end early or have a
 * different format.
 */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const decoder = compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize })
  const input = Readable.from(compression === 'gzip' ? chunks : zstdFrames(chunks))
  let failed: unknown
  // The input's own failures (no permission, disk) must reach the caller unchanged, not as errors of the decoder.
  input.on('error', (error) => {
    failed = error
  })
  pipeline(input, decoder, { signal }).catch(() => {}) // the loop below throws the same
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array
  } catch (error) {
    signal.throwIfAborted()
    if (failed) throw failed
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('Z')) throw error
    throw new MillraceError('broken_compression', `the ${compression} data is broken: ${message}`, {
      cause: error,
      hint: 'the file is truncated or not what its name says; fetch it again, or rename it without its extension if it is not compressed',
    })
  }
}

/** Compresses one file, piece by piece. */
export interface Compressor {
  /** Takes bytes, which must not be changed until it resolves, and returns what is compressed so far, often nothing. */
  add(bytes: Uint8Array): Promise<Uint8Array>
  /** Returns the rest, with the trailer. The compressor cannot be used afterwards. */
  finish(): Promise<Uint8Array>
  /** Frees it early, when the file is abandoned. */
  close(): void
}

/** A compressor with the default level of each format's own tool. */
export function createCompressor(compression: Compression): Compressor {
  const encoder =
    compression === 'gzip'
      ? createGzip({ chunkSize })
      : createZstdCompress({
          chunkSize,
          params: { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: 3 },
        })
  let made: Uint8Array[] = []
  encoder.on('data', (chunk: Uint8Array) => made.push(chunk))
  const taken = () => {
    const bytes = made.length === 1 ? made[0]! : Buffer.concat(made)
    made = []
    return bytes
  }
  return {
    async add(bytes) {
      await new Promise<void>((resolve, reject) => encoder.write(bytes, (error) => (error ? reject(error) : resolve())))
      return taken()
    },
    async finish() {
      const ended = once(encoder, 'end')
      encoder.end()
      await ended
      return taken()
    },
    close: () => encoder.destroy(),
  }
}
