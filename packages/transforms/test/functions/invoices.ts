/** Functions as a project has them, for the tests of `call`. */
import { DataError, type Row } from '@millrace/core'
import { defineStep } from '../../src/index.ts'

interface Line {
  readonly sku: string
  readonly quantity: number
}

export const total = defineStep<{ no: string; lines: Line[] }, { no: string; pieces: number }>(({ no, lines }) =>
  lines.length === 0 ? null : { no, pieces: lines.reduce((sum, { quantity }) => sum + quantity, 0) },
)

export const lines = defineStep<{ no: string; lines: Line[] }, { no: string; sku: string }>(({ no, lines }) =>
  lines.map(({ sku }) => ({ no, sku })),
)

export function changes(row: Row): Row {
  row['no'] = `changed ${row['no']}`
  delete row['lines']
  return { ...row, pieces: 0 }
}

export function refuses(row: Row): never {
  if (row['no'] === 'own') throw new DataError('no_lines', 'an invoice without lines', 'lines')
  throw new TypeError('lines is not iterable')
}

export const echo = (row: Row): unknown => (row['value'] as { give: unknown }).give

export const async = async (row: Row): Promise<Row> => row
export const number = 5
export default total
