/** `after_read: delete` removes a file only when all of it is saved, and every file by the end. */
import type { Case } from '../case.ts'
import type { Observation } from '../run/scenario.ts'
import { offsetsOf } from '../project/input.ts'
import { type Fault, firstFew } from './verdict.ts'

export function judgeInputs(graph: Case, observations: readonly Observation[]): Fault[] {
  const faults: Fault[] = []
  for (const source of graph.sources) {
    for (const split of source.splits) {
      for (const { why, missingInputs, saved } of observations) {
        const isGone = missingInputs.includes(split.name)
        const isRead = (saved.get(`${source.id}/${split.name}`) ?? 0) > offsetsOf(source, split).at(-1)!
        if (isGone && !(source.afterRead && isRead)) faults.push(fault(source.id, `${why}: ${split.name} is gone`))
        if (source.afterRead && why === 'done' && !isGone) faults.push(fault(source.id, `${split.name} is still there`))
      }
    }
  }
  return faults.length > 1 ? [fault(faults[0]!.at, firstFew(faults.map(({ text }) => text)))] : faults
}

const fault = (at: string, text: string): Fault => ({ kind: 'input', at, text })
