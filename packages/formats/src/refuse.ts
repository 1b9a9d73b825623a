/** Rows that cannot be written: those with text that UTF-8 cannot represent. */
import type { Row } from '@millrace/core'
import type { RefusedRow } from './writer.ts'

/** The error for such a text. */
export const halfPair = 'the text has an unpaired surrogate, which UTF-8 cannot represent'

/** The rows in which one of these fields has an unpaired surrogate, by index; undefined: there are none. */
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
