/** Evaluates a graph. */
import { type Case, correctedRecord, type InputRecord, isWindowStep, type Policy, type Sink } from '../case.ts'
import { type Arrival, type Failure, type Place, textOf } from './records.ts'
import { apply } from './steps.ts'
import { lanesOf, sourcesOf, watermarkAt } from './lanes.ts'

export * from './records.ts'

/** What a case must result in. */
export interface Prediction {
  /** Records into each step and sink. */
  readonly into: ReadonlyMap<string, readonly Arrival[]>
  /** Records out of each source, step and named output. */
  readonly outOf: ReadonlyMap<string, readonly Arrival[]>
  readonly failures: readonly Failure[]
  /** Records read by source. */
  readonly read: ReadonlyMap<string, number>
}

export interface Conditions {
  /** Limits the input to some records. */
  readonly reads?: (place: Place) => boolean
  /** Records that a stateful step has seen before. */
  readonly memory?: (step: string) => readonly Arrival[]
  /** The input has not ended, so aggregations emit no results. */
  readonly goesOn?: boolean
}

/** `corrected`: input records that an operator has corrected, by `u`. */
export function predict(
  graph: Case,
  corrected: ReadonlySet<string> = new Set(),
  { reads, memory, goesOn }: Conditions = {},
): Prediction {
  const outOf = new Map<string, readonly Arrival[]>()
  const into = new Map<string, readonly Arrival[]>()
  const failures: Failure[] = []
  const read = new Map<string, number>()
  for (const source of graph.sources) {
    const good: Arrival[] = []
    const lanes = source.eventTime && lanesOf(source)
    let n = 0
    for (const split of source.splits) {
      for (const [index, given] of split.records.entries()) {
        const record = corrected.has(given.u) ? correctedRecord(given) : given
        const { undecodable, round: _, id: __, ...row } = record
        const moment = lanes?.read(split.name, record)
        const place: Place = { source: source.id, split: split.name, index, record, ...(moment ? { moment } : {}) }
        if (reads && !reads(place)) continue
        const arrival = { row, place, way: source.id, items: [] }
        n++
        if (undecodable) failures.push({ at: source.id, arrival, undecodable: true })
        else if (lanes && !moment) failures.push({ at: source.id, arrival })
        else good.push(arrival)
      }
    }
    read.set(source.id, n)
    outOf.set(source.id, good)
  }
  for (const step of graph.steps) {
    const input = step.from.flatMap((name) => outOf.get(name)!)
    into.set(step.id, input)
    const isPending = step.verb === 'aggregate' && goesOn
    const watermark = isWindowStep(step) ? watermarkAt(graph, sourcesOf(graph, step), corrected) : undefined
    const made = apply(step, isPending ? [] : input, graph.side, memory?.(step.id) ?? [], watermark)
    for (const [name, arrivals] of Object.entries(made.outputs)) outOf.set(name, arrivals)
    for (const arrival of made.failed) failures.push({ at: step.id, arrival })
  }
  for (const sink of graph.sinks) {
    const all = sink.from.flatMap((name) => outOf.get(name)!)
    into.set(sink.id, all)
    for (const arrival of all) if (refusedBy(sink, arrival)) failures.push({ at: sink.id, arrival })
  }
  return { into, outOf, failures, read }
}

/** Whether the record lacks a part of the sink's key. */
export function refusedBy(sink: Sink, { row }: Arrival): boolean {
  const key = 'key' in sink && sink.key !== undefined ? [sink.key].flat() : []
  return key.some((name) => (row[name] ?? null) === null)
}

/** The error policy of a node. */
export const policyAt = (graph: Case, at: string): Policy =>
  graph.steps.find(({ id }) => id === at)?.onError ??
  graph.sources.find(({ id }) => id === at)?.onError ??
  graph.onError

/** The failures that stop the run. */
export const stopsOf = (graph: Case, { failures }: Prediction): Failure[] =>
  failures.filter(({ at }) => policyAt(graph, at) === 'stop')

/** The records that a sink accepts, except that `insert` also refuses keys that exist. */
export function accepted(prediction: Prediction, sink: string): Arrival[] {
  const refused = new Set(prediction.failures.filter(({ at }) => at === sink).map(({ arrival }) => arrival))
  return prediction.into.get(sink)!.filter((arrival) => !refused.has(arrival))
}

/** The key of a record, as text. */
export const keyOf = (arrival: Arrival, key: readonly string[]): string => textOf(key.map((name) => arrival.row[name]))

export type { InputRecord }
