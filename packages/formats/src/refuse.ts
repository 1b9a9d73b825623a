/** Rows that cannot be written: those with a text that UTF-8 has no form for. */
import type { Row } from '@millrace/core'
import type { RefusedRow } from './writer.ts'

/** What is wrong with such a text. */
export const halfPair = 'the text holds half a surrogate pair, which UTF-8 cannot write'

/** The rows where one of these fields holds half a surrogate pair, by index; undefined: there are none. */
export function refusedTexts(rows: readonly Row[], fields: readonly string[]): Map<number, RefusedRow> | undefined {
  let refused: Map<number, RefusedRow> | undefined
  for (const field of fields) {
    let last: unknown
    for (let i = 0; i < rows.length; i++) {
      const value = rows[i]![field]
      if (value === last || typeof value !== 'string' || value.isWellFormed()) {
        last = value
        continue
      }
      refused ??= new Map()
      if (!refused.has(i)) refused.set(i, { index: i, code: 'bad_text', field, message: halfPair })
    }
  }
  return refused
}
