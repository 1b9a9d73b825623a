/** The equality conditions of an expression: the part that a store can look up. */
import type { Node } from '../check/typed.ts'

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

/** The conditions that `&&` joins at the top level. */
export const conjuncts = (node: Node): readonly Node[] => (node.op === 'and' ? node.items.flatMap(conjuncts) : [node])
