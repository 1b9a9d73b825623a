/**
 * Finds a value inside a JSON text without parsing it: the records of a page are then decoded from their own bytes, so
 * that no number is rounded on the way. Only the text before the value is scanned; the parser of the found bytes checks
 * that they are JSON.
 */

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const comma = 0x2c
const isBlank = (c: number | undefined): boolean => c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09

/**
 * The bytes of the value at `path`; undefined if there is none. Of duplicate keys the last counts, as in JSON.parse.
 */
export function valueAt(body: Buffer, path: readonly string[]): Buffer | undefined {
  let [start, end] = trimmed(body, body[0] === 0xef ? 3 : 0, body.length)
  for (const key of path) {
    const found = member(body, start, end, key)
    if (!found) return undefined
    ;[start, end] = found
  }
  return start < end ? body.subarray(start, end) : undefined
}

/** Whether every bracket and string is closed: the page is not truncated. */
export function isClosed(body: Buffer): boolean {
  let depth = 0
  for (let at = 0; at < body.length; at++) {
    const c = body[at]!
    if (c === quote) {
      const end = endOfText(body, at, body.length)
      if (body[end - 1] !== quote || end - 1 === at) return false
      at = end - 1
    } else if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) depth--
  }
  return depth === 0
}

/** Without surrounding blanks. */
export function trim(bytes: Uint8Array): Uint8Array {
  let start = 0
  let end = bytes.length
  while (start < end && isBlank(bytes[start])) start++
  while (end > start && isBlank(bytes[end - 1])) end--
  return bytes.subarray(start, end)
}

/** A dotted path as a list of keys. */
export const pathOf = (dotted: string | undefined): string[] => (dotted ? dotted.split('.') : [])

function member(body: Buffer, from: number, to: number, key: string): [number, number] | undefined {
  if (body[from] !== 0x7b) return undefined
  let found: [number, number] | undefined
  for (let at = skip(body, from + 1, to); at < to && body[at] === quote; ) {
    const keyEnd = endOfText(body, at, to)
    const name = keyOf(body.toString('utf8', at, keyEnd))
    const start = skip(body, keyEnd, to)
    if (body[start] !== colon) return found
    const end = endOfValue(body, start + 1, to)
    if (name === key) found = trimmed(body, start + 1, end)
    if (body[end] !== comma) break
    at = skip(body, end + 1, to)
  }
  return found
}

function keyOf(text: string): string | undefined {
  try {
    return JSON.parse(text) as string
  } catch {
    return undefined
  }
}

function skip(body: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && isBlank(body[at])) at++
  return at
}

function trimmed(body: Buffer, from: number, to: number): [number, number] {
  const start = skip(body, from, to)
  let end = to
  while (end > start && isBlank(body[end - 1])) end--
  return [start, end]
}

/** After the closing quote of the string that begins at `from`. */
function endOfText(body: Buffer, from: number, to: number): number {
  for (let at = from + 1; at < to; at++) {
    if (body[at] === backslash) at++
    else if (body[at] === quote) return at + 1
  }
  return to
}

/** At the comma or bracket that ends the value. */
function endOfValue(body: Buffer, from: number, to: number): number {
  let depth = 0
  for (let at = from; at < to; at++) {
    const c = body[at]!
    if (c === quote) at = endOfText(body, at, to) - 1
    else if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return at
      depth--
    } else if (c === comma && depth === 0) return at
  }
  return to
}
