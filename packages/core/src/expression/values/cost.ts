/**
 * What one evaluation may cost. A list that a loop makes from a list it made, or a text joined to itself, grows
 * exponentially with the length of the expression. The bound counts work instead of time, so a record refused once is
 * refused at every repetition.
 */
import { DataError } from '../../errors/index.ts'

/** Units: a visit of an element by a loop inside a loop, and a value, or 32 characters, of a list that `map` makes. */
export const maxCost = 1_000_000
/** UTF-16 units of a text. */
export const maxText = 1 << 26

let spent = 0

/** Begins an evaluation that has its own budget. */
export function beginEvaluation(): void {
  spent = 0
}

/** Throws `too_costly`. */
export function spend(units: number): void {
  spent += units
  if (spent > maxCost)
    throw new DataError('too_costly', 'the loops of the expression take more than a million steps for one record')
}

/** Checks that a text may have this length. Throws `out_of_range`. */
export function checkLength(length: number): void {
  if (length > maxText) throw new DataError('out_of_range', `the text becomes longer than ${maxText} characters`)
}

/** Spends the weight of the values of a new list. */
export function weighed(list: unknown[]): unknown[] {
  for (const item of list) weigh(item)
  return list
}

function weigh(value: unknown): void {
  if (typeof value === 'string') return spend(1 + (value.length >> 5))
  spend(1)
  if (Array.isArray(value)) for (const item of value) weigh(item)
  else if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array))
    for (const item of Object.values(value)) weigh(item)
}
