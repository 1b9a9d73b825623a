/** Records that cannot be stored. */
import { rowError } from '@millrace/client-sqlite'

/** Reports a record that cannot be stored. */
export type Refuse = (index: number, code: string, message: string, field?: string) => void

/** Runs a statement; returns why the store refuses its values, or undefined. Throws failures of the store itself. */
export function refusalOf(statement: () => unknown): { readonly code: string; readonly message: string } | undefined {
  try {
    statement()
    return undefined
  } catch (error) {
    const refused = rowError(error)
    if (!refused) throw error
    return refused
  }
}
