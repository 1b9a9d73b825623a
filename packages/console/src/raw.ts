/**
 * Bytes as people read them: JSON with line breaks, hex. JSON is laid out from its source text, never read and written
 * again, so that all digits, names and escapes stay as they were sent.
 */

/** The text with line breaks and indents; undefined: it is not JSON. */
export function laidOut(text: string): string | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  let out = ''
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  // Strings as a whole, so that no bracket in one counts.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (token === '{' || token === '[') {
      depth++
      out += token + line()
    } else if (token === '}' || token === ']') {
      depth--
      const isEmpty = /[[{]\s*$/.test(out.slice(-2 - 2 * (depth + 1)))
      out = isEmpty ? out.trimEnd() + token : out + line() + token
    } else if (token === ',') out += token + line()
    else out += token === ':' ? ': ' : token
  }
  return out
}

/** Bytes in rows of sixteen, each with its offset and its text. */
export function hexOf(bytes: Uint8Array): string {
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    rows.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`)
  }
  return rows.join('\n')
}

/** The bytes of a message, as it was sent. */
export function bytesOf({ text, base64 }: { readonly text?: string; readonly base64?: string }): Uint8Array {
  if (base64 === undefined) return new TextEncoder().encode(text ?? '')
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
