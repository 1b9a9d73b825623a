/** Judges what was found at each pause, and at the end, by what the model predicts. */
import type { Case } from '../case.ts'
import { predict } from '../model/index.ts'
import type { Pause, Played } from '../play/play.ts'
import { judgeEnd } from './end.ts'
import { savedIn } from './expected.ts'
import { judgeInputs } from './inputs.ts'
import { judgeUnderWay } from './underway.ts'
import { type Fault, few } from './verdict.ts'

export type { Fault } from './verdict.ts'

/** All that is wrong; none: the promises were kept. `toMend`: the records that must stop the run, by `u`. */
export function judge(graph: Case, { pauses }: Played, toMend: ReadonlySet<string>): Fault[] {
  const given = predict(graph)
  const mended = toMend.size > 0 ? predict(graph, toMend) : given
  const isSaved = savedIn(graph)
  const faults = pauses.slice(0, -1).flatMap((pause) => {
    const isMended = pause.corrected.size > 0
    return judgeUnderWay(graph, pause, isMended ? mended : given, isMended ? given : undefined, isSaved)
  })
  faults.push(...judgeRuns(pauses), ...judgeInputs(graph, pauses))
  if (pauses.at(-1)!.why !== 'done') return faults
  if (toMend.size > 0 && !pauses.some(({ why }) => why === 'stopped'))
    faults.push({ wrong: 'not_stopped', at: '', text: `${[...toMend].join()} must stop the run` })
  const stale = toMend.size > 0 ? { stale: { prediction: given, graph, in: ['log'] as const } } : {}
  return [...faults, ...judgeEnd({ graph, prediction: mended, pauses, isSaved, countsAll: true, ...stale })]
}

/** What the runs said of themselves: that every edge balances, and that they came to the end. */
export function judgeRuns(pauses: readonly Pause[]): Fault[] {
  const faults: Fault[] = []
  for (const { summary } of pauses)
    if (summary && summary.imbalances.length > 0)
      faults.push({ wrong: 'imbalance', at: '', text: few(summary.imbalances) })
  const { why, error } = pauses.at(-1)!
  const place = error?.place ? ` (${error.place})` : ''
  const text = error ? `${error.code}: ${error.message}${place}` : `it never ended: ${why}`
  if (why !== 'done') faults.push({ wrong: 'failed', at: '', text })
  return faults
}

/** Whether records have the ids that they have in another run of the same input. */
export function judgeIdentity(graph: Case, calm: Played, other: Played): Fault[] {
  const [one, two] = [calm.pauses.at(-1)!, other.pauses.at(-1)!]
  if (one.why !== 'done' || two.why !== 'done') return []
  return graph.sinks.flatMap(({ id, kind }): Fault[] => {
    const isOpen = predict(graph)
      .into.get(id)!
      .some(({ choice }) => choice)
    if (kind !== 'id' || isOpen) return []
    const keys = new Set(one.outputs.keys.get(id))
    const strange = two.outputs.keys.get(id)!.filter((key) => !keys.has(key))
    return strange.length > 0 ? [{ wrong: 'identity', at: id, text: few(strange) }] : []
  })
}
