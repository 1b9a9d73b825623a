/**
 * Parquet's hybrid of run lengths and bit packing, for levels and dictionary indexes
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/). Eight or more equal values that start at a
 * multiple of eight become a run; all others are packed in groups of eight, lowest bit first.
 */
import type { OutputBytes } from '@millrace/formats'
import { putVarint } from './thrift.ts'

/** Bits for values up to `most`. */
export const bitsFor = (most: number): number => 32 - Math.clz32(most)

/** Appends the first `n` values, each below 2^width. */
export function putHybrid(out: OutputBytes, values: ArrayLike<number>, n: number, width: number): void {
  let packedFrom = 0
  for (let i = 0; i < n; ) {
    const end = runEnd(values, i, n)
    const value = values[i]!
    const run = end - i
    if (run >= 8) {
      putPacked(out, values, packedFrom, i, n, width)
      putVarint(out, run * 2)
      for (let shift = 0; shift < width; shift += 8) out.byte((value >>> shift) & 255)
      packedFrom = end
      i = end
    } else {
      // Groups are complete: values up to the next multiple of eight are packed even if they are equal.
      i = Math.min(n, i + 8)
    }
  }
  putPacked(out, values, packedFrom, n, n, width)
}

/** After the last of the equal values from `i` on. */
function runEnd(values: ArrayLike<number>, i: number, n: number): number {
  const value = values[i]
  let end = i + 1
  while (end < n && values[end] === value) end++
  return end
}

/**
 * Packs `from` to `to` in groups of eight; missing values of the last group are 0. `to` is not a multiple of eight only
 * at the end.
 */
function putPacked(
  out: OutputBytes,
  values: ArrayLike<number>,
  from: number,
  to: number,
  n: number,
  width: number,
): void {
  if (to <= from) return
  const groups = (to - from + 7) >> 3
  putVarint(out, groups * 2 + 1)
  out.grow(groups * width)
  const { buffer } = out
  let at = out.at
  let bits = 0
  let held = 0
  const end = from + groups * 8
  for (let i = from; i < end; i++) {
    const value = i < n ? values[i]! : 0
    // `held` has fewer than 8 bits here, so up to 24 more fit at once; wider values take two steps.
    if (width <= 24) {
      held |= value << bits
      bits += width
    } else {
      held |= (value & 0xffff) << bits
      bits += 16
      for (; bits >= 8; bits -= 8) {
        buffer[at++] = held & 255
        held >>>= 8
      }
      held |= (value >>> 16) << bits
      bits += width - 16
    }
    for (; bits >= 8; bits -= 8) {
      buffer[at++] = held & 255
      held >>>= 8
    }
  }
  out.at = at
}
