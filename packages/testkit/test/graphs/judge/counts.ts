/** Compares the counters of the summary with the prediction. */
import type { Summary } from '@millrace/core'
import { canUpdate, type Case, isWindowStep } from '../case.ts'
import { type Arrival, type Prediction } from '../model/index.ts'
import { behindUpdates } from '../model/updates.ts'
import { type Fault, firstFew } from './verdict.ts'

/** `refused`: records that `insert` refuses, by sink. */
export function judgeCounts(
  graph: Case,
  prediction: Prediction,
  refused: ReadonlyMap<string, readonly Arrival[]>,
  summary: Pick<Summary, 'counters'>,
): Fault[] {
  const { into, outOf, failures, read } = prediction
  const failed = (id: string) => failures.filter(({ at }) => at === id).length + (refused.get(id)?.length ?? 0)
  /** Their number depends on which options have passed. */
  const isOpen = (arrivals: readonly Arrival[] | undefined) => arrivals?.some(({ choice }) => choice) === true
  const repeats = behindUpdates(graph)
  const wrong: string[] = []
  const expect = (what: string, got: number | undefined, wanted: number) => {
    if (got !== wanted) wrong.push(`${what} is ${got} instead of ${wanted}`)
  }
  for (const { sources, steps, sinks } of summary.counters) {
    for (const { id } of graph.sources) {
      const count = sources[id]
      if (!count) continue
      expect(`${id}: read`, count.read, read.get(id)!)
      expect(`${id}: failed`, count.failed, failed(id))
    }
    for (const step of graph.steps) {
      const { id } = step
      const count = steps[id]
      if (!count || repeats.has(id) || isOpen(into.get(id))) continue
      expect(`${id}: in`, count.in, into.get(id)!.length)
      expect(`${id}: failed`, count.failed, failed(id))
      const late = isWindowStep(step) ? step.window.late : undefined
      if (late !== undefined) expect(`${id}: late`, count.sideOutputs[late] ?? 0, outOf.get(late)!.length)
      if (canUpdate(step)) continue
      if (outOf.has(id) && !isOpen(outOf.get(id))) expect(`${id}: out`, count.out, outOf.get(id)!.length)
    }
    for (const { id } of graph.sinks) {
      const count = sinks[id]
      if (!count || repeats.has(id) || isOpen(into.get(id))) continue
      expect(`${id}: delivered`, count.delivered, into.get(id)!.length - failed(id))
      expect(`${id}: failed`, count.failed, failed(id))
    }
  }
  return wrong.length > 0 ? [{ kind: 'counts', at: '', text: firstFew(wrong) }] : []
}
