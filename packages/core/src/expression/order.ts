/** The order of values, as `<` of an expression has it. */
import type { Type } from '../schema/index.ts'
import { compileExpression } from './expression.ts'

/** Compares two values of a type, null first; undefined: values of this type have no order. */
export function orderOf(type: Type): ((a: unknown, b: unknown) => number) | undefined {
  const operand = { type, optional: false }
  const less = compileExpression('a < b', { fields: { a: operand, b: operand } })
  if (!less.ok) return undefined
  return (a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1
    return less.evaluate({ a, b }) ? -1 : less.evaluate({ a: b, b: a }) ? 1 : 0
  }
}
