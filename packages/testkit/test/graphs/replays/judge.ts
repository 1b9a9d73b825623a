/** Judges replayed letters: what the engine says of each, its mark, and what the sinks and the dead letter hold. */
import type { Told } from '../../../../cli/src/letters.ts'
import type { Case } from '../case.ts'
import { judgeEnd } from '../judge/end.ts'
import { savedIn } from '../judge/expected.ts'
import { type Fault, judgeRuns } from '../judge/index.ts'
import { firstFew } from '../judge/verdict.ts'
import type { Arrival } from '../model/index.ts'
import { pathOf } from '../model/path.ts'
import { pipeline } from '../project/spec.ts'
import type { Saved } from '../run/scenario.ts'
import { nameOfLetter } from './letters.ts'
import { lettersIn, type Replayed, type ReplayedCase } from './predict.ts'
import type { ReplayObservation, ReplayRun } from './run.ts'

export function judgeReplay(which: ReplayedCase, run: ReplayRun, replayed: Replayed): Fault[] {
  const { observations } = run
  const faults = [...judgeUnknown(which, observations[0]!), ...judgeOutcomes(run, replayed), ...judgeRuns(observations)]
  if (observations.at(-1)!.why !== 'done') return faults
  const isPast = savedIn(which.old)
  const byPositions = new Map(observations.map((each) => [each.saved, each]))
  const isSaved = (arrival: Arrival, saved: Saved): boolean => {
    const letter = replayed.letterOf.get(arrival)
    if (letter !== undefined) return stateIn(byPositions.get(saved)!, letter) === 'replayed'
    return which.old.sources.some(({ id }) => id === arrival.place?.source) && isPast(arrival, saved)
  }
  const { graph } = run.edit
  const ended = judgeEnd({
    graph: allBuried({ ...graph, sinks: [...graph.sinks, ...replayed.left] }),
    prediction: replayed.prediction,
    observations,
    isSaved,
    countsAll: false,
  })
  return [...faults, ...ended, ...judgeIds(which, run, replayed)]
}

/** Documents by id have the id that the record would have had without failing. */
function judgeIds({ named }: ReplayedCase, { edit, observations }: ReplayRun, replayed: Replayed): Fault[] {
  const { keys } = observations.at(-1)!.outputs
  const letters = new Map(observations[0]!.letters.map((letter) => [nameOfLetter(letter), letter]))
  return edit.graph.sinks.flatMap(({ id, kind }): Fault[] => {
    if (kind !== 'id') return []
    const found = new Set(keys.get(id))
    const wanted = replayed.prediction.into.get(id)!.flatMap((arrival) => {
      const letter = letters.get(replayed.letterOf.get(arrival) ?? '')
      return letter ? [idWith(letter, pathOf(edit.graph, named.next, arrival, id))] : []
    })
    const missing = wanted.filter((key) => !found.has(key))
    return missing.length > 0 ? [{ kind: 'identity', at: id, text: `no document of ${firstFew(missing)}` }] : []
  })
}

/** The letter's id with another path. If another pipeline has made the id, the path begins with this one's name. */
function idWith({ id, path }: Told, other: string): string {
  const pathIn = (own: boolean, text: string) => (text === '' || own ? text : `#${pipeline}/${text.slice(1)}`)
  const isOwn = id.startsWith(`${pipeline}/`)
  return id.slice(0, id.length - pathIn(isOwn, path ?? '').length) + pathIn(isOwn, other)
}

/** Every failure of the prediction is a letter. */
const allBuried = ({ sources, steps, ...graph }: Case): Case => ({
  ...graph,
  onError: 'dead_letter',
  sources: sources.map(({ onError: _, ...source }) => source),
  steps: steps.map(({ onError: _, ...step }) => step),
})

const stateIn = ({ letters }: ReplayObservation, name: string) =>
  letters.find((letter) => nameOfLetter(letter) === name)?.state

/** The run has left the letters that it must. */
function judgeUnknown(which: ReplayedCase, { letters }: ReplayObservation): Fault[] {
  const known = lettersIn(which)
  const found = new Set(letters.map(nameOfLetter))
  const wrong = [
    ...[...found].filter((name) => !known.has(name)).map((name) => `${name} is unexpected`),
    ...[...known.keys()].filter((name) => !found.has(name)).map((name) => `${name} is missing`),
  ]
  return wrong.length > 0 ? [{ kind: 'letters', at: 'dead letter', text: firstFew(wrong) }] : []
}

/** What the engine says of each letter, and how it is marked. */
function judgeOutcomes({ observations, letters, first, second, killed }: ReplayRun, { outcomes }: Replayed): Fault[] {
  const wrong: string[] = []
  const expect = (what: string, got: unknown, wanted: unknown) => {
    if (got !== wanted) wrong.push(`${what} is ${String(got)} instead of ${String(wanted)}`)
  }
  const n = (outcome: 'replayed' | 'failed') => letters.filter((name) => outcomes.get(name) === outcome).length
  if (first) {
    // What was saved before the kill is skipped.
    const marked = killed ? letters.filter((name) => stateIn(observations[1]!, name) === 'replayed').length : 0
    expect('replayed', first.replayed, n('replayed') - marked)
    expect('skipped', first.skipped, marked)
    expect('failed again', first.failedAgain.length, n('failed'))
    for (const what of first.imbalances) wrong.push(`imbalance: ${what}`)
  }
  const byKey = new Map(second?.map((each) => [`${each.key.id} ${each.key.node}`, each.outcome]))
  for (const observation of observations.slice(1)) {
    for (const letter of observation.letters) {
      const name = nameOfLetter(letter)
      if (!letters.includes(name)) continue
      const isDone = outcomes.get(name) === 'replayed'
      if (observation.why !== 'killed' || !isDone) expect(`${name}: state`, letter.state, isDone ? 'replayed' : 'open')
      if (observation === observations.at(-1) && second)
        expect(`${name}: a second time`, byKey.get(`${letter.id} ${letter.step}`), isDone ? 'skipped' : 'failed')
    }
  }
  return wrong.length > 0 ? [{ kind: 'replay', at: '', text: firstFew([...new Set(wrong)]) }] : []
}
