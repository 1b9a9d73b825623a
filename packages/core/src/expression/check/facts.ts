/**
 * Which values are known not to be null. A path names a value that does not change while a row is evaluated: a field, a
 * member of an object, a key of a JSON value, an element of a list at a literal index, the element of a loop. A boolean
 * node records which paths are not null if it is true and if it is false; `never` marks a case that cannot happen, in
 * which everything may be assumed.
 */
import type { Facts, KnownFacts } from './known.ts'
import type { Node } from './typed.ts'

const none: ReadonlySet<string> = new Set()
export const noFacts: Facts = { yes: none, no: none }

/** The facts if both hold. */
export function both(a: KnownFacts, b: KnownFacts): KnownFacts {
  if (a === 'never' || b === 'never') return 'never'
  return a.size === 0 ? b : b.size === 0 ? a : a.union(b)
}

/** The facts if one of them holds. */
export function either(a: KnownFacts, b: KnownFacts): KnownFacts {
  if (a === 'never') return b
  if (b === 'never') return a
  return a.size === 0 || b.size === 0 ? none : a.intersection(b)
}

export const factsOf = (node: Node): Facts => node.facts ?? noFacts

/** The path of a node; undefined: it has none. Parts are separated by NUL. */
export function pathOf(node: Node): string | undefined {
  if (node.op === 'field') return `field\0${node.name}`
  if (node.op === 'element') return `loop\0${node.loop}`
  const part = partOf(node)
  const before = part && pathOf(part.whole)
  return before && `${before}\0${part.key}`
}

/** What a node is part of, and which part; undefined: it is not a fixed part of anything. */
function partOf(node: Node): { readonly whole: Node; readonly key: string } | undefined {
  if (node.op === 'member') return { whole: node.object, key: node.name }
  if (node.op === 'json' && node.key.op === 'constant')
    return { whole: node.value, key: `${typeof node.key.value} ${String(node.key.value)}` }
  if (node.op === 'item' && node.index.op === 'constant') return { whole: node.list, key: String(node.index.value) }
  return undefined
}

/** The path and all its prefixes: if `o.a` is not null, neither is `o`. */
export function present(node: Node): ReadonlySet<string> {
  const paths = new Set<string>()
  for (let at: Node | undefined = node; at; at = partOf(at)?.whole) {
    const path = pathOf(at)
    if (path) paths.add(path)
  }
  return paths
}

/** The field that a path names; undefined for a path inside a field, or of a loop. */
export function fieldOfPath(path: string): string | undefined {
  const parts = path.split('\0')
  return parts[0] === 'field' && parts.length === 2 ? parts[1] : undefined
}
