/** The contents of a sink that keeps records one by one: how often each must and may occur. */
import type { Case, Sink } from '../case.ts'
import { type Arrival, identity, type Prediction, accepted, textOf } from '../model/index.ts'
import type { Observation, Saved } from '../run/scenario.ts'
import { offsetsOf } from '../project/input.ts'

/** How often a content must and may occur. */
export interface Range {
  least: number
  most: number
}

/** `choices`: contents that depend on which option of a group has passed, by group and option. */
export interface Expected {
  readonly certain: ReadonlyMap<string, Range>
  readonly choices: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, Range>>>
}

/** Whether a record was saved, given the saved positions. */
export type IsSaved = (arrival: Arrival, saved: Saved) => boolean

export function savedIn(graph: Case): IsSaved {
  const offsets = new Map<string, readonly number[]>(
    graph.sources.flatMap((source) =>
      source.splits.map((split) => [`${source.id}/${split.name}`, offsetsOf(source, split)] as const),
    ),
  )
  return ({ place }, saved) => {
    if (!place) return false
    const split = `${place.source}/${place.split}`
    return offsets.get(split)![place.index]! < (saved.get(split) ?? 0)
  }
}

/** By the sink's promise. An at-least-once sink may hold a record once more for each kill or stop before its save. */
export function expectedAt(
  sink: Sink,
  prediction: Prediction,
  observations: readonly Observation[],
  isSaved: IsSaved,
): Expected {
  const arrivals = accepted(prediction, sink.id)
  const distinct = sink.kind === 'id' ? uniqueBy(arrivals, identity) : arrivals
  return ranged(
    distinct,
    ({ row }) => textOf(row),
    (arrival) => ({
      least: 1,
      most: 1 + (sink.kind === 'log' ? repeatsOf(arrival, observations, isSaved) : 0),
    }),
  )
}

/** How often a record may have been written and then lost its save. */
export const repeatsOf = (arrival: Arrival, observations: readonly Observation[], isSaved: IsSaved): number =>
  observations.filter(({ why, saved }) => (why === 'killed' || why === 'stopped') && !isSaved(arrival, saved)).length

export function uniqueBy<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()]
}

/** Sums the ranges of all arrivals by content. */
export function ranged(
  arrivals: readonly Arrival[],
  content: (arrival: Arrival) => string,
  range: (arrival: Arrival) => Range,
): Expected {
  const certain = new Map<string, Range>()
  const choices = new Map<string, Map<string, Map<string, Range>>>()
  for (const arrival of arrivals) {
    let into = certain
    if (arrival.choice) {
      const { group, option } = arrival.choice
      const options = getOrAdd(choices, group, () => new Map<string, Map<string, Range>>())
      into = getOrAdd(options, option, () => new Map<string, Range>())
    }
    const { least, most } = range(arrival)
    const sum = getOrAdd(into, content(arrival), () => ({ least: 0, most: 0 }))
    sum.least += least
    sum.most += most
  }
  return { certain, choices }
}

export function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
