/** Counts the keys of JSON in its bytes. */

/**
 * The number of colons right after a quote or a blank: all that follow keys, and a few inside strings. Four bytes are
 * examined at a time: `x - 0x01010101 & ~x & 0x80808080` is not 0 if a byte of x is 0 (and seldom otherwise).
 */
export function colonsAfterKeys(bytes: Buffer, from = 0, to = bytes.length): number {
  let n = 0
  let i = from
  const count = (end: number) => {
    for (; i < end; i++) if (bytes[i] === 58 && isQuoteOrBlank(bytes[i - 1])) n++
  }
  count(Math.min(to, i + ((4 - ((bytes.byteOffset + i) & 3)) & 3)))
  if (i === to) return n
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + i, (to - i) >> 2)
  const start = i
  for (let w = 0; w < words.length; w++) {
    const x = words[w]! ^ 0x3a3a3a3a
    if (((x - 0x01010101) & ~x & 0x80808080) === 0) continue
    i = start + 4 * w
    for (let j = i; j < i + 4; j++) if (bytes[j] === 58 && isQuoteOrBlank(bytes[j - 1])) n++
  }
  i = start + 4 * words.length
  count(to)
  return n
}

const isQuoteOrBlank = (byte: number | undefined): boolean =>
  byte === 34 || byte === 32 || byte === 9 || byte === 10 || byte === 13
