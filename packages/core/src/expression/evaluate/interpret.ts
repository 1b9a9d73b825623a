/**
 * The twin of compile.ts: walks the typed tree for each row, and computes operators and functions in the simplest
 * possible way (plain.ts). The results are the same; it is used where code generation is forbidden, and tests compare
 * the two.
 */
import { DataError } from '../../errors/index.ts'
import type { Row } from '../../record/index.ts'
import { factsOf } from '../check/facts.ts'
import type { Node } from '../check/typed.ts'
import { beginEvaluation, maxText, spend, weighed } from '../values/cost.ts'
import { isSameNumber } from '../values/equal.ts'
import { plainOf } from './plain.ts'
import { mayGrow } from './shape.ts'

/** The value of an expression for one row. Throws `DataError`. */
export const interpret =
  (node: Node): ((row: Row) => unknown) =>
  (row) => {
    beginEvaluation()
    try {
      return walk(node, row, new Map())
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new DataError('out_of_range', `a text or list becomes longer than ${maxText} characters or elements`)
    }
  }

type Elements = ReadonlyMap<number, unknown>

function walk(node: Node, row: Row, elements: Elements): unknown {
  const value = (child: Node): unknown => walk(child, row, elements)
  switch (node.op) {
    case 'constant':
      return node.value
    case 'field':
      return property(row, node.name)
    case 'element':
      return elements.get(node.loop) ?? null
    case 'member':
      return property(value(node.object), node.name)
    case 'item': {
      const [list, index] = [value(node.list) as unknown[], value(node.index) as number]
      if (index < 0 || index >= list.length)
        throw new DataError('out_of_range', `there is no element ${index} in a list of ${list.length}`)
      return list[index] ?? null
    }
    case 'json': {
      const [json, key] = [value(node.value), value(node.key)]
      return Array.isArray(json) === (typeof key === 'number') ? property(json, key as string) : null
    }
    case 'list':
      return node.items.map(value)
    case 'object': {
      const made: Row = {}
      for (const [i, name] of node.names.entries())
        Object.defineProperty(made, name, {
          value: value(node.values[i]!),
          enumerable: true,
          writable: true,
          configurable: true,
        })
      return made
    }
    case 'and':
      return decided(node.items, false, value, (item) => isGuard(factsOf(item).yes))
    case 'or':
      return decided(node.items, true, value, (item) => isGuard(factsOf(item).no))
    case 'not':
      return !value(node.value)
    case 'present':
      return value(node.value) !== null
    case 'equal':
      return isSame(value(node.left), value(node.right)) !== node.negated
    case 'in': {
      const searched = value(node.value)
      return (value(node.list) as unknown[]).some((item) => isSame(searched, item))
    }
    case 'choose':
      return value(node.condition) ? value(node.yes) : value(node.no)
    case 'first': {
      for (const item of node.items) {
        const found = value(item)
        if (found !== null) return found
      }
      return null
    }
    case 'call': {
      const args = node.args.map(value)
      return node.nullable && args[0] === null ? null : plainOf(node.operation)(...args)
    }
    case 'loop':
      return loop(node, row, elements)
  }
}

/** Whether what follows relies on it. */
const isGuard = (known: ReturnType<typeof factsOf>['yes']): boolean => known !== 'never' && known.size > 0

/**
 * && and ||, as CEL defines them: an item that is `decisive` decides, whatever else fails. If an item that others rely
 * on fails, they cannot be evaluated, so the whole fails.
 */
function decided<T>(
  items: readonly T[],
  decisive: boolean,
  value: (item: T) => unknown,
  isReliedOn: (item: T) => boolean,
): boolean {
  let failure: DataError | undefined
  for (const item of items) {
    try {
      if (value(item) === decisive) return decisive
    } catch (error) {
      if (!(error instanceof DataError) || error.code === 'too_costly' || isReliedOn(item)) throw failure ?? error
      failure ??= error
    }
  }
  if (failure) throw failure
  return !decisive
}

function loop(node: Node & { op: 'loop' }, row: Row, elements: Elements): unknown {
  const list = walk(node.list, row, elements) as unknown[]
  const results: unknown[] = []
  const body = (item: unknown) => {
    if (elements.size > 0) spend(1)
    return walk(node.body, row, new Map(elements).set(node.loop, item))
  }
  if (node.kind === 'all' || node.kind === 'exists') return decided(list, node.kind === 'exists', body, () => false)
  for (const item of list) {
    const result = body(item)
    if (node.kind === 'filter' && result) results.push(item)
    if (node.kind === 'map' || (node.kind === 'exists_one' && result)) results.push(result)
  }
  if (node.kind === 'exists_one') return results.length === 1
  return node.kind === 'map' && mayGrow(node.body.type) ? weighed(results) : results
}

const property = (object: unknown, name: string): unknown =>
  typeof object === 'object' && object !== null && Object.hasOwn(object, name) ? ((object as Row)[name] ?? null) : null

/** Equality by structure; absent properties are null. */
function isSame(a: unknown, b: unknown, depth = 0): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return (a ?? null) === (b ?? null) || isSameNumber(a, b)
  if (depth === 500) throw new DataError('too_deep', 'values nested deeper than 500 levels cannot be compared')
  if (Array.isArray(a) !== Array.isArray(b) || a instanceof Uint8Array !== b instanceof Uint8Array) return false
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false
  if (a instanceof Uint8Array && a.length !== (b as Uint8Array).length) return false
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) =>
    isSame(property(a, key), property(b, key), depth + 1),
  )
}
