/**
 * Writes rows to a table, several per statement; a row that the store refuses is reported by index, and the others are
 * written.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Records, WriteFailure } from '@millrace/core'
import { rowError } from '@millrace/client-sqlite'
import type { Binder } from './columns.ts'

export { throwFailures } from '@millrace/core'

/**
 * Approximate number of values bound to one statement, and the maximum of text or bytes: a statement keeps a copy of
 * what is bound.
 */
const perStatement = 400
const boundLength = 1024 * 1024

/**
 * Writes the records at `indexes`, or all; adds refused ones to `failures` and returns how many were written. To be
 * called in a transaction.
 */
export type Inserter = (
  records: Records,
  indexes: readonly number[] | undefined,
  failures: WriteFailure[],
  extra?: readonly SQLInputValue[],
) => number

/** `into`: INSERT INTO with the columns of the binder, then those of `extra`; `conflict`: what follows the values. */
export function compileInserter(
  db: DatabaseSync,
  into: string,
  conflict: string,
  binder: Binder,
  extras = 0,
): Inserter {
  const width = binder.names.length + extras
  const rowsPerStatement = Math.max(1, Math.min(50, Math.floor(perStatement / width)))
  const tuple = `(${Array(width).fill('?').join()})`
  const one = db.prepare(`${into} VALUES ${tuple}${conflict}`)
  const several = db.prepare(`${into} VALUES ${Array(rowsPerStatement).fill(tuple).join()}${conflict}`)
  const values = new Array<SQLInputValue>(width * rowsPerStatement)

  return (records, indexes, failures, extra = []) => {
    const { rows } = records
    const n = indexes ? indexes.length : rows.length
    const waiting: number[] = []
    let taken = 0
    let length = 0
    const drain = () => {
      length = 0
      if (waiting.length === rowsPerStatement) {
        try {
          several.run(...values)
          taken += rowsPerStatement
          waiting.length = 0
          return
        } catch (error) {
          // One of them is refused: the statement has done nothing, and they are tried one by one.
          if (!rowError(error)) throw error
        }
      }
      for (const [k, index] of waiting.entries()) {
        try {
          one.run(...values.slice(k * width, (k + 1) * width))
          taken++
        } catch (error) {
          const refused = rowError(error)
          if (!refused) throw error
          failures.push({ index, kind: 'data', ...refused })
        }
      }
      waiting.length = 0
    }
    for (let k = 0; k < n; k++) {
      const index = indexes ? indexes[k]! : k
      const at = waiting.length * width
      const wrong = binder.bind(rows[index]!, values, at)
      if (wrong) {
        failures.push({ index, kind: 'data', ...wrong })
        continue
      }
      for (let e = 0; e < extra.length; e++) values[at + binder.names.length + e] = extra[e]!
      for (let v = at; v < at + binder.names.length; v++) length += lengthOf(values[v]!)
      if (waiting.push(index) === rowsPerStatement || length >= boundLength) drain()
    }
    drain()
    return taken
  }
}

const lengthOf = (value: SQLInputValue): number =>
  typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.length : 0
