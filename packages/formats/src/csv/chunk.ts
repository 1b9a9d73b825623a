/** Prepares bytes of the input for the scanners; see structure.ts. */
import { isAscii } from 'node:buffer'
import { bytesAsCharacters, type Encoding, swapped } from '../text.ts'
import type { Units } from './structure.ts'

export interface Chunk {
  /** As they are in the input. */
  readonly bytes: Buffer
  readonly units: Units
  /** A character for each unit. */
  readonly text: string
  /** See `sliceText`. */
  readonly wide: boolean
  /** Units of the input; a line break added at its end is not counted. */
  readonly length: number
  /** After the last line break. */
  readonly end: number
}

/** `last`: the input ends here, and with it the last record, with or without a line break. */
export function chunkOf(bytes: Buffer, encoding: Encoding, last: boolean): Chunk {
  if (encoding === 'utf-16le' || encoding === 'utf-16be') return wideChunk(bytes, encoding, last)
  const { length } = bytes
  const ends = length === 0 || isBreak(bytes[length - 1]!)
  const units = last && !ends ? Buffer.concat([bytes, lineFeed]) : bytes
  const text = encoding === 'utf-8' ? units.toString('latin1') : bytesAsCharacters(units, encoding)
  return {
    bytes,
    units,
    text,
    wide: encoding === 'utf-8' ? !isAscii(bytes) : !text.isWellFormed(),
    length,
    end: last ? units.length : text.lastIndexOf('\n') + 1,
  }
}

const lineFeed = Buffer.from('\n')

function wideChunk(bytes: Buffer, encoding: Encoding, last: boolean): Chunk {
  const length = bytes.length >> 1
  const even = bytes.subarray(0, 2 * length)
  const native = encoding === 'utf-16be' ? swapped(even) : even.byteOffset % 2 ? Buffer.from(even) : even
  // An incomplete unit at the end of the input becomes an unpaired surrogate, so that it is reported as not being text.
  const odd = last && bytes.length % 2 ? '\udc00' : ''
  const text = native.toString('utf16le') + odd
  const ends = text === '' || isBreak(text.charCodeAt(text.length - 1))
  let units = new Uint16Array(native.buffer, native.byteOffset, length)
  if (odd || (last && !ends)) {
    units = Uint16Array.from({ length: text.length + 1 }, (_, i) => (i < text.length ? text.charCodeAt(i) : 10))
  }
  return {
    bytes,
    units,
    text,
    wide: !text.isWellFormed(),
    length: length + odd.length,
    end: last ? units.length : text.lastIndexOf('\n') + 1,
  }
}

const isBreak = (unit: number): boolean => unit === 10 || unit === 13

/**
 * After the last line break before `end`, in a chunk that is not the last one. CR alone counts, except at the very end
 * of the chunk or before an LF at `end`, where it may be half of CR LF.
 */
export function lastBreak({ units, length }: Chunk, from: number, end = length): number {
  for (let i = end - 1; i >= from; i--) {
    if (units[i] === 10) return i + 1
    if (units[i] === 13 && i + 1 < length && units[i + 1] !== 10) return i + 1
  }
  return from
}
