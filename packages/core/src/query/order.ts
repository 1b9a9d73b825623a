/** The order of rows: null first, then as `<` of expressions compares. */
import { orderOf } from '../expression/index.ts'
import type { Query } from '../connector/index.ts'
import type { Row } from '../record/index.ts'
import { fieldOf, type RecordType } from '../schema/index.ts'
import { fits } from './clauses.ts'

/** Compares two rows. */
export type RowOrder = (a: Row, b: Row) => number

/** Makes the comparison of rows; undefined: no order is wanted. Values that do not fit their type are as null. */
export function compileOrder(sort: NonNullable<Query['sort']>, type: RecordType): RowOrder | undefined {
  if (sort.length === 0) return undefined
  const parts = sort.map(({ field, descending }) => {
    const known = field === '_id' ? ({ kind: 'string' } as const) : fieldOf(type, field)!.type
    const [order, isFit] = [orderOf(known)!, fits(known)]
    const read = (row: Row): unknown => {
      const value = row[field] ?? null
      return value === null || isFit(value) ? value : null
    }
    return { read, order, sign: descending ? -1 : 1 }
  })
  return (a, b) => {
    for (const { read, order, sign } of parts) {
      const found = sign * order(read(a), read(b))
      if (found !== 0) return found
    }
    return 0
  }
}
