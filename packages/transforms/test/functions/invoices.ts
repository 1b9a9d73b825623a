/** Functions as a project would have them, for the tests of `call`. */
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

/** Changes what is inside its row. */
export function empties(row: Row): Row {
  const lines = row['lines'] as Line[]
  lines[0] = { sku: 'changed', quantity: 0 }
  lines.reverse()
  ;(row['raw'] as Uint8Array).fill(0)
  ;(row['more'] as { list: unknown[] }).list.push('changed')
  return { no: row['no'], pieces: lines.length }
}

const scratch = { raw: Buffer.alloc(1), doc: { at: { n: 0 } } }

/** Returns the same objects each time, with different content. */
export function reuses(row: Row): Row {
  scratch.raw[0] = Number(row['no'])
  scratch.doc.at.n = Number(row['no'])
  return scratch
}

export function refuses(row: Row): never {
  if (row['no'] === 'nothing') throw Object.create(null)
  if (row['no'] === 'nameless') throw Object.assign(new Error('no code'), { name: 'DataError' })
  if (row['no'] === 'own') throw new DataError('no_lines', 'an invoice without lines', 'lines')
  throw new TypeError('lines is not iterable')
}

export const echo = (row: Row): unknown => (row['value'] as { give: unknown }).give

export const async = async (row: Row): Promise<Row> => row
export async function rejects(): Promise<Row> {
  throw new Error('nobody waits for this')
}
export const number = 5
export default total

/** A list of two of which the second was never set. */
export function holes(): Row[] {
  const list = new Array<Row>(2)
  list[0] = { no: 'a', pieces: 1 }
  return list
}

export const pieces = ({ l }: { readonly l: readonly number[] }): Row[] => l.map((n) => ({ n }))
