/** Files that are to be removed once they are read: not before all of a file is saved, and every one by the end. */
import type { Case } from '../case.ts'
import type { Pause } from '../play/play.ts'
import { offsetsOf } from '../project/input.ts'
import { type Fault, few } from './verdict.ts'

export function judgeInputs(graph: Case, pauses: readonly Pause[]): Fault[] {
  const faults: Fault[] = []
  for (const source of graph.sources) {
    for (const split of source.splits) {
      for (const { why, gone, saved } of pauses) {
        const isGone = gone.includes(split.name)
        const isRead = (saved.get(`${source.id}/${split.name}`) ?? 0) > offsetsOf(source, split).at(-1)!
        if (isGone && !(source.afterRead && isRead)) faults.push(fault(source.id, `${why}: ${split.name} is gone`))
        if (source.afterRead && why === 'done' && !isGone) faults.push(fault(source.id, `${split.name} is still there`))
      }
    }
  }
  return faults.length > 1 ? [fault(faults[0]!.at, few(faults.map(({ text }) => text)))] : faults
}

const fault = (at: string, text: string): Fault => ({ wrong: 'input', at, text })
