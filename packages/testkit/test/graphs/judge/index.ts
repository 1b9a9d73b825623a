/** Judges what was observed after each start by the prediction of the model. */
import type { Case } from '../case.ts'
import { predict } from '../model/index.ts'
import type { Observation, Trace } from '../run/scenario.ts'
import { judgeEnd } from './end.ts'
import { savedIn } from './expected.ts'
import { judgeInputs } from './inputs.ts'
import { staleOf } from './stale.ts'
import { judgeUnderWay } from './underway.ts'
import { type Fault, firstFew } from './verdict.ts'

export type { Fault } from './verdict.ts'

/** `toCorrect`: the input records that stop the run until they are corrected, by `u`. */
export function judge(graph: Case, { observations }: Trace, toCorrect: ReadonlySet<string>): Fault[] {
  const original = predict(graph)
  const corrected = toCorrect.size > 0 ? predict(graph, toCorrect) : original
  const isSaved = savedIn(graph)
  const faults = observations.slice(0, -1).flatMap((observation) => {
    const isCorrected = observation.corrected.size > 0
    const prediction = isCorrected ? corrected : original
    return judgeUnderWay(graph, observation, prediction, isCorrected ? original : undefined, isSaved)
  })
  faults.push(...judgeRuns(observations), ...judgeInputs(graph, observations))
  if (observations.at(-1)!.why !== 'done') return faults
  if (toCorrect.size > 0 && !observations.some(({ why }) => why === 'stopped'))
    faults.push({ kind: 'not_stopped', at: '', text: `${[...toCorrect].join()} must stop the run` })
  const ending = { graph, prediction: corrected, observations, isSaved, countsAll: true }
  const stop = observations.find(({ why }) => why === 'stopped')
  if (!stop) return [...faults, ...judgeEnd(ending)]
  // Sinks may have accepted bad records of the last, unsaved epoch, and what other records produced because of them.
  const prediction = staleOf(original, corrected, (arrival) => !isSaved(arrival, stop.saved))
  return [...faults, ...judgeEnd({ ...ending, stale: { prediction, graph, in: ['id', 'key', 'log'] } })]
}

/** Every edge balances, and the last run has reached the end. */
export function judgeRuns(observations: readonly Observation[]): Fault[] {
  const faults: Fault[] = []
  for (const { summary } of observations)
    if (summary && summary.imbalances.length > 0)
      faults.push({ kind: 'imbalance', at: '', text: firstFew(summary.imbalances) })
  const { why, error } = observations.at(-1)!
  const place = error?.place ? ` (${error.place})` : ''
  const text = error ? `${error.code}: ${error.message}${place}` : `it never ended: ${why}`
  if (why !== 'done') faults.push({ kind: 'failed', at: '', text })
  return faults
}

/** Records have the same ids in both runs. */
export function judgeIdentity(graph: Case, undisturbed: Trace, crashed: Trace): Fault[] {
  const [one, two] = [undisturbed.observations.at(-1)!, crashed.observations.at(-1)!]
  if (one.why !== 'done' || two.why !== 'done') return []
  const { into } = predict(graph)
  return graph.sinks.flatMap(({ id, kind }): Fault[] => {
    if (kind !== 'id' || into.get(id)!.some(({ choice }) => choice)) return []
    const keys = new Set(one.outputs.keys.get(id))
    const others = two.outputs.keys.get(id)!.filter((key) => !keys.has(key))
    return others.length > 0 ? [{ kind: 'identity', at: id, text: firstFew(others) }] : []
  })
}
