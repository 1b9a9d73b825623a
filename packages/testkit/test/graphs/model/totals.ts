/** The aggregates of a group. */
import type { Total } from '../case.ts'
import type { Row } from './records.ts'

/** `rows`: for first and last in the order of their event times. */
export function total(of: Total, rows: readonly Row[]): unknown {
  const numbers = (name: string) => rows.map((row) => row[name] as number)
  switch (of) {
    case 'count()':
      return rows.length
    case 'sum(q)':
      return numbers('q').reduce((a, b) => a + b, 0)
    case 'max(n)':
      return Math.max(...numbers('n'))
    case 'min(n)':
      return Math.min(...numbers('n'))
    case 'first(n)':
      return rows[0]!['n']
    case 'last(n)':
      return rows.at(-1)!['n']
    case 'max(u)':
      return rows.map((row) => row['u'] as string).reduce((a, b) => (a > b ? a : b))
  }
}
