/** While a run is not over, nothing is there that the input does not hold, and nothing is shown that was not saved. */
import type { Case } from '../case.ts'
import { type Prediction, taken, textOf } from '../model/index.ts'
import type { Pause } from '../play/play.ts'
import type { IsSaved } from './expected.ts'
import { counted, type Fault, few } from './verdict.ts'

/** `before`: what the input was before it was mended; it may have been written, but not saved. */
export function judgeUnderWay(
  graph: Case,
  pause: Pause,
  prediction: Prediction,
  before: Prediction | undefined,
  isSaved: IsSaved,
): Fault[] {
  const faults: Fault[] = []
  for (const sink of graph.sinks) {
    if (sink.kind === 'key' && sink.write === 'set') continue
    const isShownWhenSaved = sink.kind === 'table' || sink.kind === 'files'
    const found = counted(pause.outputs.rows.get(sink.id)!.map(textOf))
    const arrivals = taken(prediction, sink.id)
    const old = before && !isShownWhenSaved ? taken(before, sink.id) : []
    const known = counted([...arrivals, ...old].map(({ row }) => textOf(row)))
    const strange = [...found.keys()].filter((content) => !known.has(content))
    if (strange.length > 0) faults.push({ wrong: 'beyond', at: sink.id, text: `${pause.why}: ${few(strange)}` })
    if (!isShownWhenSaved || pause.why === 'round') continue
    const saved = arrivals.filter((arrival) => !arrival.place || isSaved(arrival, pause.saved))
    const may = counted(saved.map(({ row }) => textOf(row)))
    const early = [...found].filter(([content, n]) => known.has(content) && n > (may.get(content) ?? 0))
    if (early.length === 0) continue
    const isDoubled = early.some(([content, n]) => n > known.get(content)!)
    const text = few(early.map(([content, n]) => `${content} (${n} instead of ${may.get(content) ?? 0})`))
    faults.push({ wrong: isDoubled ? 'doubled' : 'early', at: sink.id, text: `${pause.why}: ${text}` })
  }
  return faults
}
