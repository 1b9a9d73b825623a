/** Whether a step's memory can be kept apart by split, so that splits can move between instances with it. */
import type { CheckedSource, Lineages, Placed } from './checked.ts'

/**
 * The fields that decide both the split of a record and the memory it belongs to; undefined: the memory is one. That
 * holds where all that comes into the step is of one source, which says by which fields it is partitioned, and the step
 * is keyed by these fields as the source read them.
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
  // A result of a step is of no split: its root is no source.
  const source = streams.find(({ id }) => id === ways[0]?.root)
  const fields = source?.capabilities?.partitionedBy
  if (!keyed || !fields || ways.some(({ root }) => root !== source.id)) return undefined
  const named = fields.map((field) => keyed.find((key) => ways.every(({ unchanged }) => unchanged.get(key) === field)))
  return named.every((key) => key !== undefined) ? named : undefined
}
