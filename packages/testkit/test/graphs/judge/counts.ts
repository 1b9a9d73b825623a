/** Compares the counters of the summary with the prediction. */
import type { Summary } from '@millrace/core'
import type { Case } from '../case.ts'
import { type Arrival, type Prediction } from '../model/index.ts'
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
    for (const { id } of graph.steps) {
      const count = steps[id]
      if (!count || isOpen(into.get(id))) continue
      expect(`${id}: in`, count.in, into.get(id)!.length)
      expect(`${id}: failed`, count.failed, failed(id))
      if (outOf.has(id) && !isOpen(outOf.get(id))) expect(`${id}: out`, count.out, outOf.get(id)!.length)
    }
    for (const { id } of graph.sinks) {
      const count = sinks[id]
      if (!count || isOpen(into.get(id))) continue
      expect(`${id}: delivered`, count.delivered, into.get(id)!.length - failed(id))
      expect(`${id}: failed`, count.failed, failed(id))
    }
  }
  return wrong.length > 0 ? [{ kind: 'counts', at: '', text: firstFew(wrong) }] : []
}
