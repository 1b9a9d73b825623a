/**
 * Text by code points: a character beyond U+FFFF counts as one, where JavaScript's strings count two and sort it before
 * U+E000.
 */

/** Below, equal, above: negative, 0, positive. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const least = Math.min(a.length, b.length)
  for (let i = 0; i < least; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x < 0xd800 || y < 0xd800) return x - y
    // Within a surrogate pair the first unit decides: step back to it.
    const at =
      i > 0 && (a.charCodeAt(i - 1) & 0xfc00) === 0xd800 && ((x & 0xfc00) === 0xdc00 || (y & 0xfc00) === 0xdc00)
        ? i - 1
        : i
    return a.codePointAt(at)! - b.codePointAt(at)!
  }
  return a.length - b.length
}

/** Characters in a text. */
export function sizeOfText(text: string): number {
  let size = text.length
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) !== 0xd800 || (text.charCodeAt(i + 1) & 0xfc00) !== 0xdc00) continue
    size--
    i++
  }
  return size
}

/** The index of character number `n`; the length of the text if it has fewer. */
function unitOf(text: string, n: number, from: number): number {
  let i = from
  for (let k = 0; k < n && i < text.length; k++) i += text.codePointAt(i)! > 0xffff ? 2 : 1
  return i
}

/**
 * The characters from index `start` up to, but not including, index `end`, counted from 0; missing characters are left
 * out.
 */
export function sliceText(text: string, start: number, end: number): string {
  if (end <= start) return ''
  const from = unitOf(text, start, 0)
  return text.slice(from, end === Infinity ? text.length : unitOf(text, end - start, from))
}
