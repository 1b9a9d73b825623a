/** Values that are given when an expression is used, not when it is checked: members of one field, as `inputs.x`. */
import { DataError } from '../../errors/index.ts'
import type { Row } from '../../record/index.ts'
import type { Node } from '../check/typed.ts'

/** The members of the field `name` that a node reads. */
export function membersOf(node: Node, name: string): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (each: Node): Node => {
    if (isMember(each, name)) found.add(each.name)
    else mapParts(each, visit)
    return each
  }
  visit(node)
  return found
}

/** The node with the members of the field `name` as constants, and calls of constants computed. */
export function withGiven(node: Node, name: string, values: Row): Node {
  const replace = (each: Node): Node => {
    if (isMember(each, name)) {
      const value = values[each.name] ?? null
      return { op: 'constant', value, type: each.type, optional: value === null, span: each.span }
    }
    return computed(mapParts(each, replace))
  }
  return replace(node)
}

const isMember = (node: Node, name: string): node is Node & { op: 'member' } =>
  node.op === 'member' && node.object.op === 'field' && node.object.name === name

function computed(node: Node): Node {
  if (node.op !== 'call' || !node.args.every((arg) => arg.op === 'constant' && arg.value !== null)) return node
  try {
    const args = node.args.map((arg) => (arg as Node & { op: 'constant' }).value)
    const value = (node.operation.call as (...args: unknown[]) => unknown)(...args) ?? null
    return { op: 'constant', value, type: node.type, optional: value === null, span: node.span }
  } catch (error) {
    // It fails where it is evaluated.
    if (error instanceof DataError) return node
    throw error
  }
}

function mapParts(node: Node, change: (node: Node) => Node): Node {
  switch (node.op) {
    case 'constant':
    case 'field':
    case 'element':
      return node
    case 'member':
      return { ...node, object: change(node.object) }
    case 'item':
      return { ...node, list: change(node.list), index: change(node.index) }
    case 'json':
      return { ...node, value: change(node.value), key: change(node.key) }
    case 'object':
      return { ...node, values: node.values.map(change) }
    case 'list':
    case 'and':
    case 'or':
    case 'first':
      return { ...node, items: node.items.map(change) }
    case 'not':
    case 'present':
      return { ...node, value: change(node.value) }
    case 'equal':
      return { ...node, left: change(node.left), right: change(node.right) }
    case 'in':
      return { ...node, value: change(node.value), list: change(node.list) }
    case 'choose':
      return { ...node, condition: change(node.condition), yes: change(node.yes), no: change(node.no) }
    case 'call':
      return { ...node, args: node.args.map(change) }
    case 'loop':
      return { ...node, list: change(node.list), body: change(node.body) }
  }
}
