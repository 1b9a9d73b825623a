/** How far a file was read: saved with its positions, and compared with what is there later. */
import { crc32 } from 'node:zlib'
import type { DiskReader, FileState } from './disk.ts'

const bufferBytes = 256 * 1024

/** The saved extent of what was read of a file. */
export interface Extent {
  /** See `stampOf`. */
  readonly stamp: string
  /** How many bytes of its content from the beginning; with random access, all of them. */
  readonly bytes: number
  /** Their CRC-32. Absent: random access. */
  readonly sum?: number
}

/** The same, as saved with a position. */
export interface Reached extends Extent {
  /** The file was read to its end. */
  readonly done?: true
  /** How many bytes came after it that are not a complete record yet. */
  readonly tail?: number
  /** Its path, if it is outside the project, where its name is only the file name. */
  readonly path?: string
}

/** Inode, size and modification time: if they are the same, the file is assumed to be unchanged. */
export const stampOf = ({ id, bytes, changedNs }: Omit<FileState, 'kind'>): string => `${id}:${bytes}:${changedNs}`

/** The CRC-32 of the bytes of a file from `from` to `to`; undefined: it is shorter. */
export async function crcOf(
  reader: DiskReader,
  to: number,
  signal?: AbortSignal,
  from = 0,
): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(bufferBytes, to - from))
  let sum = 0
  for (let at = from; at < to; ) {
    signal?.throwIfAborted()
    const bytesRead = await reader.read(buffer.subarray(0, Math.min(buffer.length, to - at)), at)
    if (bytesRead === 0) return undefined
    sum = crc32(buffer.subarray(0, bytesRead), sum)
    at += bytesRead
  }
  return sum
}
