/** Changes of bytes as damage, or an attacker, makes them. Equal seeds make equal changes. */

/** Numbers from 0 to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const telling = [0, 1, 2, 7, 15, 16, 127, 128, 254, 255]
const tellingWords = [0, 1, -1, 0x7fffffff, -0x80000000, 0x10000, 1 << 24, 1000]

/** A mutated copy: up to four changes, most of them between `from` and `to`. */
export function mutated(sound: Buffer, [from, to]: readonly [number, number], random: () => number): Buffer {
  let bytes = Buffer.from(sound)
  const below = (n: number) => Math.floor(random() * n)
  const pick = <T>(all: readonly T[]): T => all[below(all.length)]!
  const place = () =>
    Math.min(bytes.length - 1, random() < 0.75 ? from + below(Math.max(1, to - from)) : below(bytes.length))
  for (let left = 1 + below(random() < 0.5 ? 1 : 4); left > 0 && bytes.length > 0; left--) {
    const at = place()
    const what = random()
    if (what < 0.35) bytes[at]! ^= 1 << below(8)
    else if (what < 0.6) bytes[at] = pick(telling)
    else if (what < 0.7) bytes[at] = below(256)
    else if (what < 0.8 && at + 4 <= bytes.length) bytes.writeInt32LE(pick(tellingWords), at)
    else if (what < 0.85 && at + 8 <= bytes.length) bytes.writeBigInt64LE(BigInt(pick(tellingWords)), at)
    else if (what < 0.9) bytes.copyWithin(at, place(), bytes.length)
    else if (what < 0.94) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))])
    else if (what < 0.97) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + 8), bytes.subarray(at)])
    else if (what < 0.98) bytes = bytes.subarray(0, at)
    else bytes.fill(pick(telling), at, Math.min(bytes.length, at + below(64)))
  }
  return bytes
}
