/** The equality conditions of an expression: the part that a store can look up. */
import { sameType, type Type } from '../../schema/index.ts'
import type { Node, Ordering } from '../check/typed.ts'

/** A condition on one field: `field < value`, with the value in its in-memory form. Not true for null. */
export interface Comparison {
  readonly field: string
  readonly is: '==' | Ordering
  readonly value: unknown
}

/**
 * `field == value` and its equivalents, joined by && at the top level. Values are in their in-memory form; of a field
 * that occurs twice, the first counts.
 */
export function equalities(node: Node): Readonly<Record<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const part of conjuncts(node)) {
    if (part.op !== 'equal' || part.negated || part.deep) continue
    const [field, value] = part.left.op === 'field' ? [part.left, part.right] : [part.right, part.left]
    // A field that is converted for the comparison is a call, not a field.
    if (field.op === 'field' && value.op === 'constant' && value.value !== null && !found.has(field.name))
      found.set(field.name, value.value)
  }
  return Object.fromEntries(found)
}

/**
 * The conjuncts that compare a field with a value of its own type. A field that is converted for the comparison is a
 * call, not a field.
 */
export const comparisons = (node: Node): readonly Comparison[] =>
  conjuncts(node).flatMap((part): Comparison[] => {
    if (part.op === 'equal' && !part.negated && !part.deep) return compared('==', part.left, part.right)
    if (part.op === 'call' && part.operation.order) return compared(part.operation.order, part.args[0]!, part.args[1]!)
    return []
  })

const flipped = { '==': '==', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

function compared(is: Comparison['is'], left: Node, right: Node): Comparison[] {
  if (left.op !== 'field') return right.op === 'field' ? compared(flipped[is], right, left) : []
  if (right.op !== 'constant' || right.value === null || !fits(right.value, right.type, left.type)) return []
  return [{ field: left.name, is, value: right.value }]
}

/** A number for a field of integers may have a fraction. */
const fits = (value: unknown, given: Type, type: Type): boolean =>
  sameType(given, type) ||
  (given.kind === 'integer' && type.kind === 'number') ||
  (given.kind === 'number' && type.kind === 'integer' && Number.isSafeInteger(value))

/** The conditions that `&&` joins at the top level. */
export const conjuncts = (node: Node): readonly Node[] => (node.op === 'and' ? node.items.flatMap(conjuncts) : [node])
