/** Finds a record's place for messages. */
import type { Shape } from '@millrace/formats'
import type { FileInput } from './input.ts'

/**
 * `data/retail.csv:1234 (byte 56789)`; for binary formats `data/retail.parquet, record 17`. Counts lines by reading the
 * file.
 */
export async function placeOf(
  name: string,
  input: FileInput,
  { text }: Shape,
  position: string | number,
  signal: AbortSignal,
): Promise<string> {
  if (!text || typeof position !== 'number') return `${name}, record ${position}`
  const { unit, bigEndian } = text
  // The current line, and the unit before.
  let line = 1
  let at = 0
  let half = 0
  let last = 0
  try {
    for await (const chunk of input.look(signal)) {
      for (let i = 0; i < chunk.length && at < position; i++, at++) {
        let c = chunk[i]!
        if (unit === 2 && at % 2 === 0) {
          half = c
          continue
        }
        if (unit === 2) c = bigEndian ? (half << 8) | c : (c << 8) | half
        if (c === 13 || (c === 10 && last !== 13)) line++
        last = c
      }
      if (at >= position) break
    }
  } catch {
    return `${name}, byte ${position}`
  }
  return `${name}:${line} (byte ${position})`
}
