/**
 * Where the numbers of a collection come from: a sum of distinct counts counts some values twice, and an average of
 * averages weighs groups of different sizes alike.
 */
import type { Json } from '../record/index.ts'
import { fieldOf, type RecordType } from '../schema/index.ts'
import type { QueryText } from '../query/index.ts'
import type { Report } from '../spec/finding.ts'
import { nodeAt, placeWithin, type SpecNode } from '../spec/tree.ts'
import type { Collection } from './collection.ts'

/** What a field counts. */
export type CountOrigin = 'distinct' | 'average' | undefined

/** The origin of a field. */
export type Origins = (field: string) => CountOrigin

/** An aggregate of one field, and nothing else around that field. */
const aggregates = /\b(count_distinct|approx_count_distinct|avg|sum|min|max|first|last)\s*\(\s*([\w`]+)?/g

/** What an output counts. */
function originOfOutput(text: string, before: Origins): CountOrigin {
  for (const [, name, field] of text.matchAll(aggregates)) {
    if (name!.endsWith('count_distinct')) return 'distinct'
    if (name === 'avg') return 'average'
    const origin = name !== 'sum' && field ? before(field) : undefined
    if (origin) return origin
  }
  return undefined
}

/** The origins of a collection's fields, from the steps before its sink. */
export function originsIn({ plan, sink }: Collection): Origins {
  const of = (id: string, field: string): CountOrigin => {
    const step = plan.steps.find((each) => each.id === id)
    if (!step) return undefined
    const config = step.config as Readonly<Record<string, Json>>
    if (step.type === 'aggregate') {
      const output = (config['outputs'] as Readonly<Record<string, string>> | undefined)?.[field]
      if (output !== undefined) return originOfOutput(output, (each) => from(step.from, each))
    }
    // A field that is made by the step is another one.
    if (step.type === 'set' && Object.hasOwn(config, field)) return undefined
    return from(step.from, field)
  }
  const from = (ids: readonly string[], field: string): CountOrigin => {
    for (const id of ids) {
      const found = of(id, field)
      if (found) return found
    }
    return undefined
  }
  return (field) => from(sink.from, field)
}

/** Reports outputs that add up or average such fields; returns the origins of the query's own fields. */
export function checkCounts(
  text: QueryText,
  documents: RecordType | undefined,
  before: Origins,
  node: SpecNode,
  path: string,
  report: Report,
): Origins {
  const outputs = text.outputs ?? {}
  for (const [output, expression] of Object.entries(outputs))
    for (const match of expression.matchAll(/\b(sum|avg)\s*\(\s*([\w`]+)\s*\)/g)) {
      const [whole, name, field] = match
      if (!documents || !fieldOf(documents, field!) || Object.hasOwn(text.set ?? {}, field!)) continue
      const origin = before(field!)
      const code =
        name === 'sum' && origin === 'distinct'
          ? 'sum_of_distinct'
          : name === 'avg' && origin === 'average'
            ? 'average_of_averages'
            : undefined
      const at = nodeAt(node, ['outputs', output]).node
      if (code === undefined || at.kind !== 'scalar') continue
      report(
        code,
        placeWithin(at, [match.index, match.index + whole.length]),
        `${path}.outputs.${output}`,
        code === 'sum_of_distinct'
          ? `${field} counts distinct values, so their sum counts some of them several times`
          : `${field} is an average, so its average weighs groups of different sizes alike`,
      )
    }
  return (field) => {
    if (Object.hasOwn(outputs, field)) return originOfOutput(outputs[field]!, before)
    return Object.hasOwn(text.set ?? {}, field) ? undefined : before(field)
  }
}
