/**
 * Pseudo-random numbers that can be drawn for any turn without drawing those of the turns before it. A key says what is
 * drawn (the seed and start of the generator, a stream, a field); key and turn together are the state in which sfc32
 * begins (Chris Doty-Humphrey, PractRand: 128 bits, passes its tests to 32 TB). Twelve outputs are discarded, as its
 * author does, so that neighbouring turns have nothing in common.
 */

/** 128 bits. */
export type DrawKey = readonly [number, number, number, number]

/** A sequence of numbers, begun anew for each value that is drawn. */
export interface Draws {
  begin(key: DrawKey, turn: number): void
  /** 32 bits. */
  word(): number
  /** In [0, 1), 53 bits. */
  fraction(): number
  /** A whole number in [0, n). */
  below(n: number): number
}

const discarded = 12

export function createDraws(): Draws {
  let a = 0
  let b = 0
  let c = 0
  let counter = 0
  const word = (): number => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  const fraction = (): number => ((word() >>> 5) * 67_108_864 + (word() >>> 6)) / 2 ** 53
  return {
    begin(key, turn) {
      a = key[0] ^ (turn | 0)
      b = key[1] ^ Math.floor(turn / 2 ** 32)
      c = key[2]
      counter = key[3]
      for (let i = 0; i < discarded; i++) word()
    },
    word,
    fraction,
    below: (n) => Math.floor(fraction() * n),
  }
}

/** The key of a text: each word is a murmur3 hash of it, with a seed of its own (Austin Appleby, public domain). */
export function drawKey(text: string): DrawKey {
  const bytes = Buffer.from(text)
  return [hash(bytes, 0x9e37_79b9), hash(bytes, 0x243f_6a88), hash(bytes, 0xb7e1_5162), hash(bytes, 0xdead_beef)]
}

function hash(bytes: Uint8Array, seed: number): number {
  let h = seed
  for (const byte of bytes) {
    h = Math.imul(h ^ byte, 0xcc9e_2d51)
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe654_6b64
  }
  h ^= bytes.length
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return (h ^ (h >>> 16)) | 0
}

/** Sums of the weights so far: what `chosen` chooses by. */
export const sumsOf = (weights: readonly number[]): readonly number[] => {
  let sum = 0
  return weights.map((weight) => (sum += weight))
}

/** An index, as often as its weight says. */
export function chosen(draws: Draws, sums: readonly number[]): number {
  const drawn = draws.fraction() * sums.at(-1)!
  for (let i = 0; i < sums.length - 1; i++) if (drawn < sums[i]!) return i
  return sums.length - 1
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A random UUID of version 4 (RFC 9562). */
export function uuid(draws: Draws): string {
  const text = (word: number) =>
    hex[word >>> 24]! + hex[(word >>> 16) & 255]! + hex[(word >>> 8) & 255]! + hex[word & 255]!
  const first = text(draws.word())
  const second = text((draws.word() & 0xffff_0fff) | 0x4000)
  const third = text((draws.word() & 0x3fff_ffff) | 0x8000_0000)
  const last = text(draws.word())
  return `${first}-${second.slice(0, 4)}-${second.slice(4)}-${third.slice(0, 4)}-${third.slice(4)}${last}`
}
