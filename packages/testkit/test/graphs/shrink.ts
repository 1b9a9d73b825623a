/** Reduces a case that shows a fault to a smaller one that still does. */
import type { Case, Sink, Source, Step } from './case.ts'
import { isFit } from './generate/index.ts'
import { outputsOf } from './shape.ts'

/** Time limit. */
const mostMs = 60_000

/** `shows`: whether a case shows the fault. */
export async function shrink(graph: Case, shows: (smaller: Case) => Promise<boolean>): Promise<Case> {
  const untilMs = performance.now() + mostMs
  let smallest = graph
  for (let found = true; found; ) {
    found = false
    for (const smaller of candidates(smallest)) {
      if (performance.now() > untilMs) return smallest
      if (!isFit(smaller) || !(await shows(smaller))) continue
      smallest = smaller
      found = true
      break
    }
  }
  return smallest
}

/** Smaller cases, the smallest first. */
function* candidates(graph: Case): Generator<Case> {
  for (const source of graph.sources) if (graph.sources.length > 1) yield without(graph, new Map([[source.id, []]]))
  for (const sink of graph.sinks)
    if (graph.sinks.length > 1) yield { ...graph, sinks: graph.sinks.filter((each) => each !== sink) }
  for (const step of graph.steps) yield without(graph, new Map(outputsOf(step).map((name) => [name, step.from])))
  for (const node of [...graph.steps, ...graph.sinks])
    if (node.from.length > 1)
      for (const name of node.from) {
        const from = node.from.filter((each) => each !== name)
        const change = <T extends Step | Sink>(each: T): T => (each.id === node.id ? { ...each, from } : each)
        yield { ...graph, steps: graph.steps.map(change), sinks: graph.sinks.map(change) }
      }
  for (const part of [2, 4, 8, 1000])
    for (const source of graph.sources)
      for (const smaller of fewerRecords(source, part))
        yield { ...graph, sources: graph.sources.map((each) => (each === source ? smaller : each)) }
  const { outage, ...undisturbedOnly } = graph
  if (outage) yield undisturbedOnly
  if (graph.filesMoved) yield { ...graph, filesMoved: false }
  const pacified = graph.sources.map((source) => ({ ...source, delays: [] }))
  if (graph.sources.some(({ delays }) => delays.length > 0)) yield { ...graph, sources: pacified }
  if (graph.sources.some(({ pad }) => pad > 0))
    yield { ...graph, sources: graph.sources.map((source) => ({ ...source, pad: 0 })) }
  if (graph.sinks.some(({ delays }) => delays.length > 0))
    yield { ...graph, sinks: graph.sinks.map((sink) => ({ ...sink, delays: [] })) }
}

/** The graph without some outputs. Their readers read the given replacements, and are removed if there are none. */
function without(graph: Case, instead: ReadonlyMap<string, readonly string[]>): Case {
  const missingInputs = new Map(instead)
  const reads = <T extends Step | Sink>(node: T): T => ({
    ...node,
    from: [...new Set(node.from.flatMap((name) => missingInputs.get(name) ?? [name]))],
  })
  const steps: Step[] = []
  for (const step of graph.steps) {
    if (outputsOf(step).some((name) => instead.has(name))) continue
    const read = reads(step)
    if (read.from.length > 0) steps.push(read)
    else for (const name of outputsOf(step)) missingInputs.set(name, [])
  }
  return {
    ...graph,
    sources: graph.sources.filter(({ id }) => !instead.has(id)),
    steps,
    sinks: graph.sinks.map(reads).filter(({ from }) => from.length > 0),
  }
}

/** The source without one of `parts` parts of its records. */
function* fewerRecords(source: Source, parts: number): Generator<Source> {
  for (const [s, split] of source.splits.entries()) {
    const size = Math.ceil(split.records.length / parts)
    if (split.records.length < 2) {
      // The number of partitions stays: records name their partition.
      if (source.splits.length > 1 && source.kind !== 'log')
        yield { ...source, splits: source.splits.filter((each) => each !== split) }
      continue
    }
    for (let at = 0; at < split.records.length; at += size) {
      const records = split.records.filter((_, i) => i < at || i >= at + size)
      if (records.length > 0)
        yield { ...source, splits: source.splits.map((each, i) => (i === s ? { ...each, records } : each)) }
    }
  }
}
