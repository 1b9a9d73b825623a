/** The end of a record's id: what its path through a graph has appended to it. */
import type { Case } from '../case.ts'
import type { Arrival } from './records.ts'

/** By node: the inputs whose names become part of ids, since they can bring the same record. */
export type Named = ReadonlyMap<string, readonly string[]>

/** `#step.i` if a step made several records of it, `#input` if it came by a named input. `at`: where it is. */
export function pathOf({ steps }: Case, named: Named, { way, items }: Arrival, at?: string): string {
  const multiplies = new Set(
    steps.flatMap((step) =>
      step.verb === 'explode' || (step.verb === 'call' && step.name === 'twice') ? step.id : [],
    ),
  )
  const [first, ...rest] = way.split('>') as [string, ...string[]]
  let path = ''
  let output = first
  let multiplied = 0
  for (const passed of [...rest, ...(at === undefined ? [] : [at])]) {
    const [id, branch] = passed.split('.') as [string, string?]
    if (named.get(id)?.includes(output)) path += `#${output}`
    if (passed !== at && multiplies.has(id)) path += `#${id}.${items[multiplied++]}`
    output = branch ?? id
  }
  return path
}
