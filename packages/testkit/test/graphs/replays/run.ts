/**
 * Runs a case until it has letters: a bounded run to its end, a continuing one through its first round of input. Then
 * its spec is edited, and its letters are replayed: killed at a crash point and repeated, and all of it a second time.
 * A continuing pipeline then reads on.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan, ReplaySummary, Summary } from '@millrace/core'
import type { Told } from '../../../../cli/src/letters.ts'
import type { Case } from '../case.ts'
import { type Decision, plannedDecision } from '../edits/decide.ts'
import { writeInput } from '../project/input.ts'
import { makeRoot } from '../project/root.ts'
import { specOf } from '../project/spec.ts'
import type { Random } from '../random.ts'
import { outputsOf } from '../run/outputs.ts'
import type { Kill } from '../run/process.ts'
import type { LetterRunner, RunEnd } from '../run/runner.ts'
import { hasLaterInput, type Observation, reported, savedOf } from '../run/scenario.ts'
import { unchanged, type ReplayEdit } from './edit.ts'
import { nameOfLetter, readLetters, withBytes } from './letters.ts'

/** What there is after a start or a replay has ended. */
export interface ReplayObservation extends Observation {
  readonly letters: readonly Told[]
}

export interface ReplayRun {
  /** The first is that of the run that left the letters. */
  readonly observations: readonly ReplayObservation[]
  readonly outcome: Decision | 'failed'
  /** What the plan had said. */
  readonly planned?: Decision
  /** Why it was refused or has failed. */
  readonly error?: RunEnd['error']
  /** The edit under which letters were replayed in the end: none if it was refused. */
  readonly edit: ReplayEdit
  /** Names of the letters that were replayed in the end, in order. */
  readonly letters: readonly string[]
  readonly killed: boolean
  /** What the engine says about the first replay that was not killed, and about the second. */
  readonly first?: ReplaySummary
  readonly second?: Summary['replay']
}

export interface ReplayScenario {
  readonly runner: LetterRunner
  readonly kill: Kill
  readonly random: Random
  /** Letters that may be replayed after all letters were refused, since the run has ended. */
  readonly isAllowed: (letter: Told, edit: ReplayEdit) => boolean
  readonly also: Case['sinks']
}

/** No letter was accepted. */
const isRefusal = (error: RunEnd['error']): error is NonNullable<RunEnd['error']> =>
  error?.code === 'replay_into_ended' || error?.code === 'state_changed'

/** Undefined: there were no letters. */
export async function runReplay(
  old: Case,
  oldPlan: Plan,
  edit: ReplayEdit,
  newPlan: Plan,
  root: string,
  { runner, kill, random, isAllowed, also }: ReplayScenario,
): Promise<ReplayRun | undefined> {
  const home = join(root, '.millrace', 'local')
  makeRoot(root, old)
  writeInput(root, old, 0)
  const observations: ReplayObservation[] = []
  const observe = async (why: Observation['why'], end: RunEnd, graph: Case, plan: Plan) => {
    const outputs = await outputsOf(root, graph, runner.reader, new Map())
    const letters = await readLetters(root, plan, runner.reader)
    const saved = savedOf(home, old)
    observations.push({ ...reported(end), why, saved, outputs, letters, corrected: new Set(), missingInputs: [] })
  }
  const use = (graph: Case, plan: Plan) => {
    writeFileSync(join(root, 'job.yaml'), specOf(graph))
    runner.use(graph, plan)
  }

  const made = await runner.start({ outage: false, shift: 0 })
  await observe(made.error ? 'failed' : 'round', made, old, oldPlan)
  const { letters } = observations[0]!
  if (letters.length === 0 && !made.error) return undefined

  use(edit.graph, newPlan)
  const decision = plannedDecision(newPlan, home)
  const planned = decision ? { planned: decision } : {}
  let graph: Case = { ...edit.graph, sinks: [...edit.graph.sinks, ...also] }
  let plan = newPlan
  let used = edit
  let chosen = letters
  const handed = () => withBytes(old, chosen, used.bytes)
  const told = () => ({ observations, edit: used, letters: chosen.map(nameOfLetter), ...planned })
  const quietly = { outage: false, shift: 0 }
  if (made.error) return { ...told(), outcome: 'failed', error: made.error, killed: false }

  const first = await runner.replay(handed(), { ...quietly, kill })
  let done = first
  let refusal: RunEnd['error']
  // At most for both reasons, of the new spec and of the old one.
  for (let times = 0; times < 3 && isRefusal(done.error); times++) {
    refusal ??= done.error
    if (done.error.code === 'replay_into_ended') chosen = chosen.filter((letter) => isAllowed(letter, used))
    else {
      used = { ...unchanged(old, edit.class), of: edit.of }
      use(old, oldPlan)
      graph = old
      plan = oldPlan
    }
    done = await runner.replay(handed(), quietly)
  }
  if (first.killed) {
    await observe('killed', first, graph, plan)
    done = await runner.replay(handed(), quietly)
  }
  const outcome = refusal ? 'refused' : 'kept'
  const summary = done.replayed ? { first: done.replayed } : {}
  const ended = { ...told(), outcome, killed: first.killed, ...summary } as const
  if (done.error) return { ...ended, outcome: 'failed', error: done.error }
  await observe('round', done, graph, plan)

  const again = await runner.runLetters(handed())
  const second = again.outcomes ? { second: again.outcomes } : {}
  if (again.error) return { ...ended, ...second, outcome: 'failed', error: again.error }
  const goesOn = old.runs === 'continue'
  await observe(goesOn ? 'round' : 'done', again, graph, plan)
  if (goesOn) {
    if (hasLaterInput(old)) writeInput(root, old, 1)
    const last = await runner.start({ outage: false, shift: random.int(0, 4) })
    await observe(last.error ? 'failed' : 'done', last, graph, plan)
  }
  return { ...ended, ...second, ...(refusal ? { error: refusal } : {}) }
}
