/** Evaluates the part of a graph that begins at one node. */
import type { Case } from '../case.ts'
import { type Conditions, type Prediction, refusedBy } from './index.ts'
import type { Arrival, Failure } from './records.ts'
import { apply } from './steps.ts'

/** Lets records into some nodes: out of a source, or into a step or sink. Their other inputs are empty. */
export function enter(
  graph: Case,
  entered: ReadonlyMap<string, readonly Arrival[]>,
  memory: NonNullable<Conditions['memory']>,
): Pick<Prediction, 'into' | 'failures'> {
  const outOf = new Map<string, readonly Arrival[]>()
  const into = new Map<string, readonly Arrival[]>()
  const failures: Failure[] = []
  const inputOf = ({ id, from }: { readonly id: string; readonly from: readonly string[] }) => {
    const input = [...(entered.get(id) ?? []), ...from.flatMap((name) => outOf.get(name) ?? [])]
    into.set(id, input)
    return input
  }
  for (const { id } of graph.sources) outOf.set(id, entered.get(id) ?? [])
  for (const step of graph.steps) {
    const input = inputOf(step)
    if (input.length === 0) continue
    const made = apply(step, input, graph.side, memory(step.id))
    for (const [name, arrivals] of Object.entries(made.outputs)) outOf.set(name, arrivals)
    for (const arrival of made.failed) failures.push({ at: step.id, arrival })
  }
  for (const sink of graph.sinks)
    for (const arrival of inputOf(sink)) if (refusedBy(sink, arrival)) failures.push({ at: sink.id, arrival })
  return { into, failures }
}
