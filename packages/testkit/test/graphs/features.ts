/** The features of a case that the report counts. */
import { canUpdate, type Case, isWindowStep } from './case.ts'
import { type Arrival, identity, predict, type Prediction } from './model/index.ts'
import { windowFeatures } from './window-features.ts'

/** Whether a record arrives here on two paths. */
export function meetsItself(arrivals: readonly Arrival[]): boolean {
  const ways = new Map<string, string>()
  return arrivals.some((arrival) => {
    const origin = identity({ ...arrival, way: '' })
    const before = ways.get(origin)
    ways.set(origin, arrival.way)
    return before !== undefined && before !== arrival.way
  })
}

const holdsBoth = (arrivals: readonly Arrival[]): boolean =>
  arrivals.some(({ place }) => place) && arrivals.some(({ place }) => !place)

/** Whether a record fails in one branch and reaches a sink by another. */
function failsInOneBranch(graph: Case, { into, failures }: Prediction): boolean {
  const arrived = new Set(graph.sinks.flatMap(({ id }) => into.get(id)!.map(({ place }) => place?.record.u)))
  const atSink = new Set(graph.sinks.map(({ id }) => id))
  return failures.some(({ at, arrival }) => arrival.place && !atSink.has(at) && arrived.has(arrival.place.record.u))
}

export function featuresOf(graph: Case): string[] {
  const prediction = predict(graph)
  const inputs = [...prediction.into.values()]
  const found: Record<string, boolean> = {
    diamonds: inputs.some(meetsItself),
    'results merged with records': inputs.some(holdsBoth),
    'failures in one branch': failsInOneBranch(graph, prediction),
    'several splits': graph.sources.some(({ splits }) => splits.length > 1),
    'several sources': graph.sources.length > 1,
    'bad records': prediction.failures.length > 0,
    'dead letter': graph.deadLetter !== undefined,
    'dedupe over several splits': [...prediction.outOf.values()].some((arrivals) =>
      arrivals.some(({ choice }) => choice),
    ),
    'continuing runs': graph.runs === 'continue',
    'updates without windows': graph.steps.some((step) => canUpdate(step) && !isWindowStep(step)),
    outage: graph.outage !== undefined,
    'files moved away': graph.filesMoved,
  }
  for (const { kind } of graph.sources) found[`source: ${kind}`] = true
  for (const { verb } of graph.steps) found[`step: ${verb}`] = true
  for (const sink of graph.sinks) found[`sink: ${sink.kind === 'files' ? sink.format : sink.kind}`] = true
  return [...Object.keys(found).filter((name) => found[name]), ...windowFeatures(graph, prediction)]
}
