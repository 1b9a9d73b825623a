/**
 * Whether a step's memory can be kept separately for each split, so that it can move between instances with the split.
 */
import type { CheckedSource, Lineages, Placed } from './checked.ts'

/**
 * The fields that determine both the split of a record and the memory it belongs to; undefined: the memory is not
 * divided. It can be divided if all input of the step comes from one source that declares its partitioning fields, and
 * the step groups by these fields as the source read them.
 */
export function partitionedBy(
  { step, from }: Placed,
  streams: readonly CheckedSource[],
  lineages: Lineages,
): readonly string[] | undefined {
  const { definition, options } = step
  if (!definition?.stateful || options === undefined) return undefined
  const keyed = definition.keyedBy?.(options as never)
  const ways = from.flatMap((name) => lineages.of(name))
  // A result of a step belongs to no split: its root is not a source.
  const source = streams.find(({ id }) => id === ways[0]?.root)
  const fields = source?.capabilities?.partitionedBy
  if (!keyed || !fields || ways.some(({ root }) => root !== source.id)) return undefined
  const named = fields.map((field) => keyed.find((key) => ways.every(({ unchanged }) => unchanged.get(key) === field)))
  return named.every((key) => key !== undefined) ? named : undefined
}
