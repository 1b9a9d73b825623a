/** Random edits of a spec whose letters are then replayed: those of any spec, and those that mend a node. */
import type { Case, SetValue, Sink, Step } from '../case.ts'
import { type EditClass, type Edit, editClasses, editOf, removed } from '../edits/edit.ts'
import type { Failure } from '../model/index.ts'
import type { Random } from '../random.ts'

export type ReplayClass = EditClass | 'mended' | 'bytes mended'

export interface ReplayEdit extends Omit<Edit, 'class'> {
  readonly class: ReplayClass
  /** The bytes of these letters are mended instead of the spec, by `u`. */
  readonly bytes: ReadonlySet<string>
}

/** The class of a number: half of them mend. */
export const replayClassOf = (number: number): ReplayClass =>
  number % 2 === 0
    ? number % 8 === 0
      ? 'bytes mended'
      : 'mended'
    : editClasses[((number - 1) / 2) % editClasses.length]!

const same = (id: string) => id

/** The spec as it is. */
export const unchanged = (graph: Case, which: ReplayClass): ReplayEdit => ({
  class: which,
  of: '',
  graph,
  before: same,
  bytes: new Set(),
})

/**
 * A random edit of the class; undefined if the graph has nothing to edit. `letters`: the failures that are in its dead
 * letter.
 */
export function replayEditOf(
  random: Random,
  graph: Case,
  which: ReplayClass,
  letters: readonly Failure[],
): ReplayEdit | undefined {
  if (which === 'bytes mended') {
    const places = letters.flatMap(({ arrival: { place } }) => (place ? [place.record.u] : []))
    const edited = { ...unchanged(graph, which), bytes: new Set(places.filter(() => random.chance(0.8))) }
    return edited.bytes.size > 0 ? edited : undefined
  }
  if (which !== 'mended') {
    // Mostly of a node that has letters.
    const at = [...new Set(letters.map((failure) => failure.at))]
    const isThere = (edit: Edit) => at.some((id) => nodeIn(edit.graph, id) !== nodeIn(graph, id))
    let edit = editOf(random, graph, which)
    for (let tries = 0; tries < 6 && edit && !isThere(edit); tries++) edit = editOf(random, graph, which) ?? edit
    return edit && { ...edit, bytes: new Set() }
  }
  const at = random.pick([...new Set(letters.map((failure) => failure.at))])
  const step = graph.steps.find(({ id }) => id === at)
  if (step && random.chance(0.4))
    return { ...unchanged({ ...graph, ...removed(graph, step) }, which), of: `no ${step.verb}` }
  if (step) {
    const change = mendedStep(random, step)
    const steps = graph.steps.map((each) => (each === step ? (change ?? each) : each))
    return change && { ...unchanged({ ...graph, steps }, which), of: step.verb }
  }
  const sink = graph.sinks.find(({ id }) => id === at)
  return sink && mendedSink(graph, sink)
}

const nodeIn = ({ sources, steps, sinks }: Case, id: string) =>
  [...sources, ...steps, ...sinks].find((node) => node.id === id)

/** The step with a rule that its bad records pass, and an output of the same type. */
function mendedStep(random: Random, step: Step): Step | undefined {
  const set = (value: SetValue, field: string): Step => ({ ...base(step), verb: 'set', field, value })
  switch (step.verb) {
    case 'call':
      return { ...step, name: 'shout' }
    case 'parse_dates':
      return set({ constant: '2024-01-01' }, 'd')
    case 'cast':
      return set({ plus: 1 }, 'c')
    case 'set':
      if ('ratio' in step.value) return { ...step, value: { ratio: random.pick([5000, step.value.ratio + 1]) } }
      return 'whole' in step.value ? { ...step, value: { plus: 1 } } : undefined
    default:
      return undefined
  }
}

const base = ({ id, from, onError }: Step) => ({ id, from, ...(onError ? { onError } : {}) })

/** The sink, after a step that gives its key a default. */
function mendedSink(graph: Case, sink: Sink): ReplayEdit | undefined {
  if (!('key' in sink) || sink.key === undefined || ![sink.key].flat().includes('k')) return undefined
  const step: Step = { id: 'with_key', from: sink.from, verb: 'set', field: 'k', value: { or: 'none' } }
  const sinks = graph.sinks.map((each) => (each === sink ? { ...sink, from: [step.id] } : each))
  return {
    ...unchanged({ ...graph, steps: [...graph.steps, step], sinks }, 'mended'),
    of: `sink: ${sink.kind}`,
    before: (id) => (id === step.id ? undefined : id),
  }
}
