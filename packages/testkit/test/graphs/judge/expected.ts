/** What may and must stand in a sink that keeps every record by itself: each content, how often. */
import type { Case, Sink } from '../case.ts'
import { type Arrival, identity, type Prediction, taken, textOf } from '../model/index.ts'
import type { Pause, Saved } from '../play/play.ts'
import { offsetsOf } from '../project/input.ts'

/** How often a content may stand there. */
export interface Range {
  least: number
  most: number
}

/** Contents that are certain, and those of which one of several is chosen: by group and option. */
export interface Expected {
  readonly certain: ReadonlyMap<string, Range>
  readonly choices: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, Range>>>
}

/** Tells whether a record was saved at a moment. */
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

/**
 * By the sink's own promise. Effectively once: each record once. At least once: as often as the process died before the
 * record was saved, and once more.
 */
export function expectedAt(sink: Sink, prediction: Prediction, pauses: readonly Pause[], isSaved: IsSaved): Expected {
  const arrivals = taken(prediction, sink.id)
  const distinct = sink.kind === 'id' ? uniqueBy(arrivals, identity) : arrivals
  return ranged(
    distinct,
    ({ row }) => textOf(row),
    (arrival) => ({
      least: 1,
      most: 1 + (sink.kind === 'log' ? repeatsOf(arrival, pauses, isSaved) : 0),
    }),
  )
}

/** How often a record that is taken at least once may have been taken for nothing. */
export const repeatsOf = (arrival: Arrival, pauses: readonly Pause[], isSaved: IsSaved): number =>
  pauses.filter(({ why, saved }) => (why === 'killed' || why === 'stopped') && !isSaved(arrival, saved)).length

export function uniqueBy<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()]
}

/** Adds up what the arrivals allow, by content. */
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
