/** Lists. */
import { DataError } from '../../errors/index.ts'

/** Whether a value that `===` can compare is among the elements. */
export const isIn = (value: unknown, list: readonly unknown[]): boolean => list.includes(value)

/** An element by its index from 0. Throws `out_of_range` if there is none. */
export function itemAt(list: readonly unknown[], index: number): unknown {
  if (index >= 0 && index < list.length) return list[index] ?? null
  throw new DataError('out_of_range', `there is no element ${index} in a list of ${list.length}`)
}

/** Whether exactly one element passes. */
export function onlyOne<T>(list: readonly T[], test: (item: T) => boolean): boolean {
  let count = 0
  for (const item of list) if (test(item)) count++
  return count === 1
}

/** The smallest or largest element by `isBefore`. Throws `empty_list`. */
export function extreme(
  name: string,
  list: readonly unknown[],
  isBefore: (a: unknown, b: unknown) => boolean,
): unknown {
  if (list.length === 0) throw new DataError('empty_list', `${name} of an empty list`)
  let best = list[0]
  for (let i = 1; i < list.length; i++) if (isBefore(list[i], best)) best = list[i]
  return best
}
