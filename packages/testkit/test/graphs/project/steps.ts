/** The functions that `call` steps use. */
interface Row {
  readonly t: string
  readonly q: number
  readonly [field: string]: unknown
}

export const shout = (row: Row) => ({ ...row, t: row.t.toUpperCase() })

export const odd = (row: Row) => (row.q % 2 === 0 ? null : row)

export function fussy(row: Row) {
  if (row.t.includes('boom')) throw new Error('it went boom')
  return row
}

/** Returns a row that does not have the declared type. */
export const sloppy = (row: Row) => (row.t.includes('boom') ? { ...row, q: 'many' } : row)

export const twice = (row: Row) => [
  { ...row, part: 1 },
  { ...row, part: 2 },
]
