/** Dead letters: which record failed at which node. */
import type { Case } from '../case.ts'
import { type Arrival, identity, policyAt, type Prediction, textOf } from '../model/index.ts'
import type { Letter } from '../run/outputs.ts'
import type { Observation } from '../run/scenario.ts'
import { type Expected, type IsSaved, ranged, repeatsOf, uniqueBy } from './expected.ts'

/** Records are named by `u`, results by their content. */
export const labelOf = ({ place, row }: Arrival, at: string): string =>
  `${place ? place.record.u : `result ${textOf(row)}`} at ${at}`

/** The same label for a letter that was found. */
export function letterText({ form, text, step }: Letter): string {
  const label = form === 'raw' ? (/u\d{5}/.exec(text)?.[0] ?? text) : `result ${textOf(JSON.parse(text))}`
  return `${label} at ${step}`
}

/** `refused`: records that `insert` refuses, by sink. */
export function expectedLetters(
  graph: Case,
  prediction: Prediction,
  refused: ReadonlyMap<string, readonly Arrival[]>,
  observations: readonly Observation[],
  isSaved: IsSaved,
): Expected {
  const failed = [
    ...prediction.failures,
    ...[...refused].flatMap(([at, arrivals]) => arrivals.map((arrival) => ({ at, arrival }))),
  ].filter(({ at }) => policyAt(graph, at) === 'dead_letter')
  // If a log holds a record twice, a collection keeps one letter and files keep both.
  const distinct =
    graph.deadLetter === 'sqlite' ? uniqueBy(failed, ({ at, arrival }) => `${identity(arrival)} at ${at}`) : failed
  const nodes = new Map(distinct.map(({ at, arrival }) => [{ ...arrival }, at]))
  return ranged(
    [...nodes.keys()],
    (arrival) => labelOf(arrival, nodes.get(arrival)!),
    (arrival) => ({
      least: 1,
      most: 1 + (graph.deadLetter === 'files' ? repeatsOf(arrival, observations, isSaved) : 0),
    }),
  )
}
