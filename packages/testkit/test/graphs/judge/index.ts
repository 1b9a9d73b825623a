/** Judges what was found at each pause, and at the end, by what the model predicts. */
import type { Case } from '../case.ts'
import { type Arrival, predict, type Prediction, taken, textOf } from '../model/index.ts'
import type { Pause, Played } from '../play/play.ts'
import { judgeCounts } from './counts.ts'
import { type Expected, expectedAt, getOrAdd, type IsSaved, savedIn } from './expected.ts'
import { judgeKeyed } from './keyed.ts'
import { expectedLetters, letterText } from './letters.ts'
import { compare, type Compared } from './sets.ts'
import { counted, type Fault, few } from './verdict.ts'

export type { Fault } from './verdict.ts'

/** All that is wrong; none: the promises were kept. `toMend`: the records that must stop the run, by `u`. */
export function judge(graph: Case, { pauses }: Played, toMend: ReadonlySet<string>): Fault[] {
  const versions = [predict(graph), ...(toMend.size > 0 ? [predict(graph, toMend)] : [])]
  const isSaved = savedIn(graph)
  const faults = pauses.slice(0, -1).flatMap((pause) => judgeUnderWay(graph, pause, versions, isSaved))
  const last = pauses.at(-1)!
  for (const { summary } of pauses)
    if (summary && summary.imbalances.length > 0)
      faults.push({ wrong: 'imbalance', at: '', text: few(summary.imbalances) })
  if (last.why !== 'done') {
    const { error } = last
    const text = error
      ? `${error.code}: ${error.message}${error.place ? ` (${error.place})` : ''}`
      : `it never ended: ${last.why}`
    return [...faults, { wrong: 'failed', at: '', text }]
  }
  if (toMend.size > 0 && !pauses.some(({ why }) => why === 'stopped'))
    faults.push({ wrong: 'not_stopped', at: '', text: `${[...toMend].join()} must stop the run` })
  return [...faults, ...judgeEnd(graph, pauses, versions, isSaved)]
}

const nothing: Expected = { certain: new Map(), choices: new Map() }

/** At the end everything is there that must be, and nothing else. */
function judgeEnd(graph: Case, pauses: readonly Pause[], versions: readonly Prediction[], isSaved: IsSaved): Fault[] {
  const { outputs, summary } = pauses.at(-1)!
  const prediction = versions.at(-1)!
  /** What stood in the input before it was mended and was taken for nothing. */
  const before = versions.length > 1 ? versions[0]! : undefined
  const faults: Fault[] = []
  const compared: Compared[] = []
  const refused = new Map<string, readonly Arrival[]>()
  for (const sink of graph.sinks) {
    const found = outputs.rows.get(sink.id)!
    if (sink.kind === 'key') {
      const verdict = judgeKeyed(sink, prediction, found)
      faults.push(...verdict.faults)
      refused.set(sink.id, verdict.refused)
      continue
    }
    const old = sink.kind === 'log' && before ? expectedAt(sink, before, pauses, isSaved) : nothing
    compared.push({
      at: sink.id,
      found: counted(found.map(textOf)),
      expected: expectedAt(sink, prediction, pauses, isSaved),
      allowed: beyond(old),
    })
  }
  if (graph.deadLetter)
    compared.push({
      at: 'dead letter',
      found: counted(outputs.letters.map(letterText)),
      expected: expectedLetters(graph, prediction, refused, pauses, isSaved),
      allowed: beyond(before ? expectedLetters(graph, before, new Map(), pauses, isSaved) : nothing),
    })
  faults.push(
    ...compare(compared, groupsOf(prediction)).map((fault) =>
      fault.at === 'dead letter'
        ? { ...fault, wrong: 'letters' as const, text: `${fault.wrong}: ${fault.text}` }
        : fault,
    ),
  )
  if (summary) faults.push(...judgeCounts(graph, prediction, refused, summary))
  if (outputs.hidden.length > 0) faults.push({ wrong: 'left_behind', at: '', text: few(outputs.hidden) })
  return faults
}

/** The options of every choice. */
function groupsOf({ outOf }: Prediction): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>()
  for (const { choice } of [...outOf.values()].flat())
    if (choice) getOrAdd(groups, choice.group, () => new Set<string>()).add(choice.option)
  return groups
}

/** What repetitions alone would allow. */
const beyond = ({ certain }: Expected): ReadonlyMap<string, number> =>
  new Map([...certain].map(([content, { most }]) => [content, most]))

/** While it is not over, nothing is there that the input does not hold, and nothing is shown that was not saved. */
function judgeUnderWay(graph: Case, pause: Pause, versions: readonly Prediction[], isSaved: IsSaved): Fault[] {
  const faults: Fault[] = []
  const past = pause.corrected.size > 0 ? versions : versions.slice(0, 1)
  for (const sink of graph.sinks) {
    const found = counted(pause.outputs.rows.get(sink.id)!.map(textOf))
    const arrivals = past.flatMap((version) => taken(version, sink.id))
    if (sink.kind === 'key' && sink.write === 'set') continue
    const known = counted(arrivals.map(({ row }) => textOf(row)))
    const strange = [...found.keys()].filter((content) => !known.has(content))
    if (strange.length > 0) faults.push({ wrong: 'beyond', at: sink.id, text: `${pause.why}: ${few(strange)}` })
    if (sink.kind !== 'table' && sink.kind !== 'files') continue
    const shown =
      pause.why === 'round' ? arrivals : arrivals.filter((arrival) => !arrival.place || isSaved(arrival, pause.saved))
    const may = counted(shown.map(({ row }) => textOf(row)))
    const early = [...found].filter(([content, n]) => known.has(content) && n > (may.get(content) ?? 0))
    if (early.length > 0) {
      const isDoubled = early.some(([content, n]) => n > known.get(content)!)
      const text = few(early.map(([content, n]) => `${content} (${n} instead of ${may.get(content) ?? 0})`))
      faults.push({ wrong: isDoubled ? 'doubled' : 'early', at: sink.id, text: `${pause.why}: ${text}` })
    }
  }
  return faults
}
