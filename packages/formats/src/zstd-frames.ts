/**
 * Splits a zstd stream at its frame boundaries (RFC 8878, section 3.1), reading only headers: a frame is a magic
 * number, a header of 2 to 14 bytes, blocks, each with a 3-byte header that says whether it is the last, and an
 * optional checksum. Skippable frames are left out.
 */
import { MillraceError } from '@millrace/core'

const magic = 0xfd2fb528
const isSkippable = (number: number) => (number & 0xfffffff0) >>> 0 === 0x184d2a50

/**
 * Yields the bytes of all data frames; no chunk has bytes of two frames. Throws `MillraceError` `broken_compression` if
 * something else is between frames.
 */
export async function* zstdFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let next: 'frame' | 'block' = 'frame'
  let head: Buffer = Buffer.alloc(0) // the header being read; it may span chunks
  let left = 0 // bytes that follow the last header before the next one
  let skip = false // those bytes belong to a skippable frame
  let checksum = 0

  for await (const chunk of chunks) {
    let parts: Uint8Array[] = []
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const step = Math.min(left, chunk.length - at)
        if (!skip) parts.push(chunk.subarray(at, at + step))
        at += step
        left -= step
      } else {
        head = Buffer.concat([head, chunk.subarray(at, ++at)])
        if (next === 'frame') {
          if (head.length !== headerSize(head)) continue
          skip = isSkippable(head.readUInt32LE(0))
          if (skip) left = head.readUInt32LE(4)
          else {
            checksum = head[4]! & 4 ? 4 : 0
            next = 'block'
            parts.push(head)
          }
        } else {
          if (head.length < 3) continue
          const header = head.readUIntLE(0, 3)
          const oneByteRepeated = ((header >> 1) & 3) === 1
          left = oneByteRepeated ? 1 : header >> 3
          if (header & 1) {
            left += checksum
            next = 'frame'
          }
          parts.push(head)
        }
        head = Buffer.alloc(0)
      }
      if (left === 0 && next === 'frame' && parts.length) {
        yield Buffer.concat(parts)
        parts = []
      }
    }
    if (parts.length) yield Buffer.concat(parts)
  }
  if (head.length) yield head // truncated: the decoder reports it
}

/** The size of a frame's header with its magic number; undefined: more bytes are needed. */
function headerSize(head: Buffer): number | undefined {
  if (head.length < 4) return undefined
  const number = head.readUInt32LE(0)
  if (isSkippable(number)) return 8
  if (number !== magic)
    throw new MillraceError(
      'broken_compression',
      `the zstd data is broken: 0x${number.toString(16).padStart(8, '0')} where a frame should begin`,
      {
        hint: 'the file is damaged or not what its name says; fetch it again, or rename it without its extension if it is not compressed',
      },
    )
  if (head.length < 5) return undefined
  const descriptor = head[4]!
  const single = (descriptor & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][descriptor & 3]!
  const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  return 5 + (single ? 0 : 1) + dictionary + contentSize
}
