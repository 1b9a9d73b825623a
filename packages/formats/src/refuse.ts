/** Rows that cannot be written: those with a text that UTF-8 has no form for, and how a sink names them. */
import { PartialWriteError, type Row, SystemError, type WriteFailure } from '@millrace/core'
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

/**
 * A write that failed in the middle with what can pass: the records from `next` on are to be written again, those before
 * were taken or are among `failures`. Throws; the error itself where nothing was taken or it cannot pass.
 */
export function failRest(records: number, next: number, failures: readonly WriteFailure[], error: unknown): never {
  if (next === 0 || !(error instanceof SystemError) || !error.retry) throw error
  const { code, message } = error
  const named = new Set(failures.map(({ index }) => index))
  const rest = Array.from({ length: records - next }, (_, k) => next + k).filter((index) => !named.has(index))
  throwFailures([...failures, ...rest.map((index) => ({ index, kind: 'system', code, message }) as const)])
  throw error
}

/** Throws what failed, in the order of the records; nothing where nothing did. */
export function throwFailures(failures: readonly WriteFailure[]): void {
  if (failures.length > 0) throw new PartialWriteError(failures.toSorted((a, b) => a.index - b.index))
}
