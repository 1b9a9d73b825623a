/** The dead letters: which record failed at which node. */
import type { Case } from '../case.ts'
import { type Arrival, identity, policyAt, type Prediction, textOf } from '../model/index.ts'
import type { Letter } from '../play/outputs.ts'
import type { Pause } from '../play/play.ts'
import { type Expected, type IsSaved, ranged, repeatsOf, uniqueBy } from './expected.ts'

/** A record by its name, a result by what it holds. */
const labelOf = ({ place, row }: Arrival, at: string): string =>
  `${place ? place.record.u : `result ${textOf(row)}`} at ${at}`

/** What a letter is about. Letters of one record and node differ in their ids. */
export function letterText({ form, text, step }: Letter): string {
  const label = form === 'raw' ? (/u\d{5}/.exec(text)?.[0] ?? text) : `result ${textOf(JSON.parse(text))}`
  return `${label} at ${step}`
}

/** The letters that must be there. `refused`: records that a sink refused for what it held, by sink. */
export function expectedLetters(
  graph: Case,
  prediction: Prediction,
  refused: ReadonlyMap<string, readonly Arrival[]>,
  pauses: readonly Pause[],
  isSaved: IsSaved,
): Expected {
  const failed = [
    ...prediction.failures,
    ...[...refused].flatMap(([at, arrivals]) => arrivals.map((arrival) => ({ at, arrival }))),
  ].filter(({ at }) => policyAt(graph, at) === 'dead_letter')
  // A collection keeps one letter of a record that stands twice in a log, files keep both.
  const distinct =
    graph.deadLetter === 'sqlite' ? uniqueBy(failed, ({ at, arrival }) => `${identity(arrival)} at ${at}`) : failed
  const nodes = new Map(distinct.map(({ at, arrival }) => [{ ...arrival }, at]))
  return ranged(
    [...nodes.keys()],
    (arrival) => labelOf(arrival, nodes.get(arrival)!),
    (arrival) => ({
      least: 1,
      most: 1 + (graph.deadLetter === 'files' ? repeatsOf(arrival, pauses, isSaved) : 0),
    }),
  )
}
