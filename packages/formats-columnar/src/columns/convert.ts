/** Converts a slice of a column. */
import { DataError, type Field } from '@millrace/core'
import type { RecordFailure } from '@millrace/formats'
import type { FileColumn } from '../file-column.ts'
import type { Read } from './values.ts'

/** Values of one column for `length` rows. */
export type ColumnValues = ArrayLike<unknown>

/** A column that is read. */
export interface ReadColumn {
  readonly column: FileColumn
  readonly read: Read
  /** The field that it is read as; undefined: kept in its JSON form. */
  readonly field?: Field
}

/** The converted values. What fails is added to `failures`, by its index. */
export function convertColumn(
  { column, read, field }: ReadColumn,
  values: ColumnValues,
  length: number,
  failures: Map<number, RecordFailure>,
): ColumnValues {
  if (field && values.length === length && areReady(column, field, values)) return values
  const made = new Array<unknown>(length)
  // Adjacent values are often equal, and the same object if they come from a dictionary.
  let last: unknown = made
  let lastMade: unknown
  for (let i = 0; i < length; i++) {
    const raw = values[i]
    if (Object.is(raw, last)) {
      made[i] = lastMade
      continue
    }
    try {
      made[i] = lastMade = read(raw)
      last = raw
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      if (!failures.has(i))
        failures.set(i, {
          code: error.code,
          field: error.field === undefined ? column.name : `${column.name}.${error.field}`,
          message: error.message,
        })
    }
  }
  return made
}

/** Whether no value needs to be converted. */
function areReady(column: FileColumn, { type, optional }: Field, values: ColumnValues): boolean {
  if (!column.isReady) return false
  for (let i = 0; i < values.length; i++) {
    const raw = values[i]
    if (raw === null ? !optional : !column.isReady(raw, type)) return false
  }
  return true
}
