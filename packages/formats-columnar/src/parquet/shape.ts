/**
 * What groups of a Parquet schema mean
 * (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#nested-types), including those of older
 * writers.
 */
import type { SchemaNode } from './footer.ts'

/** `list`, `map`: the group's one member repeats. */
export function shapeOf({ meaning: { kind }, children: [child, ...more] }: SchemaNode): 'list' | 'map' | 'struct' {
  if (child?.repetition !== 'REPEATED' || more.length > 0) return 'struct'
  if (kind === 'LIST') return 'list'
  const isMap = kind === 'MAP' && !child.type && child.children.length === 2
  return isMap && child.children[0]!.repetition !== 'REPEATED' ? 'map' : 'struct'
}

/** The item of a list: the repeated member, or its only member if the repeated one only serves to repeat. */
export function itemOf({ name, children }: SchemaNode): SchemaNode {
  const [repeated] = children as [SchemaNode]
  const isItem =
    repeated.type !== undefined ||
    repeated.children.length !== 1 ||
    repeated.children[0]!.repetition === 'REPEATED' ||
    repeated.name === 'array' ||
    repeated.name === `${name}_tuple`
  return isItem ? repeated : repeated.children[0]!
}
