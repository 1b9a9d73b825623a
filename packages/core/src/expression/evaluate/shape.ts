/** What the evaluators need to know of an expression as a whole. */
import type { Type } from '../../schema/index.ts'
import type { Node } from '../check/typed.ts'

export const childrenOf = (node: Node): readonly Node[] => {
  switch (node.op) {
    case 'constant':
    case 'field':
    case 'element':
      return []
    case 'member':
      return [node.object]
    case 'item':
      return [node.list, node.index]
    case 'json':
      return [node.value, node.key]
    case 'list':
    case 'and':
    case 'or':
    case 'first':
      return node.items
    case 'object':
      return node.values
    case 'not':
    case 'present':
      return [node.value]
    case 'equal':
      return [node.left, node.right]
    case 'in':
      return [node.value, node.list]
    case 'choose':
      return [node.condition, node.yes, node.no]
    case 'call':
      return node.args
    case 'loop':
      return [node.list, node.body]
  }
}

const some = (node: Node, test: (node: Node) => boolean): boolean =>
  test(node) || childrenOf(node).some((child) => some(child, test))

/** It may throw. */
export const mayFail = (node: Node): boolean => some(node, ({ op }) => op === 'call' || op === 'item' || op === 'loop')

/** A part that fails may not matter, because another part decides. */
export const isDecidable = (node: Node): boolean =>
  some(node, (part) => part.op === 'and' || part.op === 'or' || (part.op === 'loop' && part.kind !== 'exists_one'))

/** It has loops, which are bounded. */
export const hasLoops = (node: Node): boolean => some(node, ({ op }) => op === 'loop')

/** What `map` makes may be larger than what it was made of. */
export const mayGrow = ({ kind }: Type): boolean => ['string', 'list', 'map', 'object', 'json'].includes(kind)
