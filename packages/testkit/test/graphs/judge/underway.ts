/** Before the end, sinks hold nothing that is not in the prediction, and nothing is visible that was not saved. */
import type { Case } from '../case.ts'
import { type Prediction, accepted, textOf } from '../model/index.ts'
import { behindUpdates } from '../model/updates.ts'
import type { Observation } from '../run/scenario.ts'
import type { IsSaved } from './expected.ts'
import { counted, type Fault, firstFew } from './verdict.ts'

/** `before`: the prediction without corrections, if some of its records may have been written. */
export function judgeUnderWay(
  graph: Case,
  pause: Observation,
  prediction: Prediction,
  before: Prediction | undefined,
  isSaved: IsSaved,
): Fault[] {
  const faults: Fault[] = []
  const repeats = behindUpdates(graph)
  for (const sink of graph.sinks) {
    if (repeats.has(sink.id) || (sink.kind === 'key' && sink.write === 'set')) continue
    const isVisibleWhenSaved = sink.kind === 'table' || sink.kind === 'files'
    const found = counted(pause.outputs.rows.get(sink.id)!.map(textOf))
    const arrivals = accepted(prediction, sink.id)
    const old = before && !isVisibleWhenSaved ? accepted(before, sink.id) : []
    const known = counted([...arrivals, ...old].map(({ row }) => textOf(row)))
    const strange = [...found.keys()].filter((content) => !known.has(content))
    if (strange.length > 0) faults.push({ kind: 'unexpected', at: sink.id, text: `${pause.why}: ${firstFew(strange)}` })
    if (!isVisibleWhenSaved || pause.why === 'round') continue
    const saved = arrivals.filter((arrival) => !arrival.place || isSaved(arrival, pause.saved))
    const may = counted(saved.map(({ row }) => textOf(row)))
    const early = [...found].filter(([content, n]) => known.has(content) && n > (may.get(content) ?? 0))
    if (early.length === 0) continue
    const isDoubled = early.some(([content, n]) => n > known.get(content)!)
    const text = firstFew(early.map(([content, n]) => `${content} (${n} instead of ${may.get(content) ?? 0})`))
    faults.push({ kind: isDoubled ? 'doubled' : 'unsaved', at: sink.id, text: `${pause.why}: ${text}` })
  }
  return faults
}
