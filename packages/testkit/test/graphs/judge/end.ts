/** At the end, the outputs equal the prediction. */
import type { Case, Sink } from '../case.ts'
import { type Arrival, type Prediction, textOf } from '../model/index.ts'
import type { Observation } from '../run/scenario.ts'
import { judgeCounts } from './counts.ts'
import { type Expected, expectedAt, getOrAdd, type IsSaved } from './expected.ts'
import { judgeKeyed } from './keyed.ts'
import { expectedLetters, letterText } from './letters.ts'
import { compare, type Compared } from './sets.ts'
import { counted, type Fault, firstFew } from './verdict.ts'

export interface Ending {
  readonly graph: Case
  readonly prediction: Prediction
  readonly observations: readonly Observation[]
  readonly isSaved: IsSaved
  /**
   * Records that were written, not saved, and then processed differently, because they were corrected or the spec was
   * edited. Sinks of these kinds may still hold them.
   */
  readonly stale?: { readonly prediction: Prediction; readonly graph: Case; readonly in: readonly Sink['kind'][] }
  /** Whether the counters are those of the whole input. */
  readonly countsAll: boolean
  /** Folders that no sink writes to any more: nobody can remove what a dead attempt left hidden there. */
  readonly abandoned?: readonly string[]
}

const nothing: Expected = { certain: new Map(), choices: new Map() }

export function judgeEnd(ending: Ending): Fault[] {
  const { graph, prediction, observations, isSaved, stale } = ending
  const { outputs, summary } = observations.at(-1)!
  const staleAt = (sink: Sink) => (stale?.in.includes(sink.kind) ? stale : undefined)
  const faults: Fault[] = []
  const compared: Compared[] = []
  const refused = new Map<string, readonly Arrival[]>()
  for (const sink of graph.sinks) {
    const found = outputs.rows.get(sink.id)!
    const old = staleAt(sink)
    if (sink.kind === 'key') {
      const verdict = judgeKeyed(sink, prediction, found, groupsOf(prediction), old?.prediction)
      faults.push(...verdict.faults)
      refused.set(sink.id, verdict.refused)
      continue
    }
    compared.push({
      at: sink.id,
      found: counted(found.map(textOf)),
      expected: expectedAt(sink, prediction, observations, isSaved),
      allowed: beyond(old ? expectedAt(sink, old.prediction, observations, isSaved) : nothing),
    })
  }
  if (graph.deadLetter)
    compared.push({
      at: 'dead letter',
      found: counted(outputs.letters.map(letterText)),
      expected: expectedLetters(graph, prediction, refused, observations, isSaved),
      allowed: beyond(
        stale ? expectedLetters(stale.graph, stale.prediction, new Map(), observations, isSaved) : nothing,
      ),
    })
  faults.push(...compare(compared, groupsOf(prediction)).map(ofLetters))
  if (summary && ending.countsAll) faults.push(...judgeCounts(graph, prediction, refused, summary))
  const isAbandoned = (path: string) => ending.abandoned?.some((folder) => path.includes(`/out/${folder}/`)) === true
  const hidden = outputs.hidden.filter((path) => !isAbandoned(path))
  if (hidden.length > 0) faults.push({ kind: 'left_behind', at: '', text: firstFew(hidden) })
  return faults
}

const ofLetters = (fault: Fault): Fault =>
  fault.at === 'dead letter' ? { ...fault, kind: 'letters', text: `${fault.kind}: ${fault.text}` } : fault

/** The options of every choice. */
function groupsOf({ outOf }: Prediction): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>()
  for (const { choice } of [...outOf.values()].flat())
    if (choice) getOrAdd(groups, choice.group, () => new Set<string>()).add(choice.option)
  return groups
}

/** How often contents may occur that need not occur. */
function beyond({ certain, choices }: Expected): ReadonlyMap<string, number> {
  const most = new Map<string, number>()
  for (const contents of [certain, ...[...choices.values()].flatMap((options) => [...options.values()])])
    for (const [content, range] of contents) most.set(content, (most.get(content) ?? 0) + range.most)
  return most
}
