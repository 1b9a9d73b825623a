/** Runs a case whose letters are replayed after an edit of its spec, and judges it. */
import { join } from 'node:path'
import { crashPoints, type Plan } from '@millrace/core'
import { canUpdate, type Case, isWindowStep, type Sink } from '../case.ts'
import { type Decision, requiredDecision } from '../edits/decide.ts'
import { plain } from '../edits/case.ts'
import { generate, hasClearChoices } from '../generate/index.ts'
import { type Fault } from '../judge/index.ts'
import { type Failure, policyAt, predict, stopsOf } from '../model/index.ts'
import { planOf } from '../project/root.ts'
import { Random } from '../random.ts'
import { commandRunner } from '../run/command.ts'
import { inProcess } from '../run/in-process.ts'
import type { Kill } from '../run/process.ts'
import { Hang } from '../run/runner.ts'
import { sameShape, shapesOf } from '../shape.ts'
import { type ReplayEdit, replayClassOf, replayEditOf } from './edit.ts'
import { judgeReplay } from './judge.ts'
import { namedIn, predictReplayed, type Replayed, type ReplayedCase, targetsOf } from './predict.ts'
import { type ReplayRun, runReplay } from './run.ts'

export interface ReplayResult {
  readonly graph: Case
  readonly edit: ReplayEdit
  readonly outcome: ReplayRun['outcome']
  readonly error?: string
  readonly kill: Kill
  readonly killed: boolean
  /** The outcome of each letter. */
  readonly outcomes: Replayed['outcomes']
  readonly faults: readonly Fault[]
}

/**
 * Runs the replay of a number, in this process or by the bundled command. The number decides the class of its edit.
 */
export async function runReplayNumber(
  root: string,
  seed: number,
  number: number,
  pipe?: string,
): Promise<ReplayResult> {
  for (let attempt = 0; ; attempt++) {
    const random = new Random(seed, number, attempt, 99)
    const graph = plain(generate(seed, number, attempt))
    // Which windows a letter would still change is not modelled.
    if (graph.steps.some((step) => isWindowStep(step) || canUpdate(step))) continue
    const letters = lettersOf(graph)
    if (letters.length === 0 || letters.some(({ arrival }) => arrival.choice)) continue
    const edit = replayEditOf(random, graph, replayClassOf(number), letters)
    if (!edit || !shapesOf(edit.graph) || !isFit(graph, edit)) continue
    const { plan } = await planOf(join(root, 'check'), graph)
    const { plan: next } = plan ? await planOf(join(root, 'check'), edit.graph) : {}
    const result = plan && next && (await playOne(join(root, 'replayed'), graph, plan, edit, next, random, pipe))
    if (result) return result
  }
}

const isEarly = (round: 0 | 1 | undefined) => round !== 1

/** The letters that there are when the spec is edited. */
const lettersOf = (graph: Case): readonly Failure[] =>
  predict(graph, new Set(), { reads: ({ record }) => isEarly(record.round) }).failures.filter(
    ({ at }) => policyAt(graph, at) === 'dead_letter',
  )

/** Whether the outcome can be predicted. */
function isFit(graph: Case, edit: ReplayEdit): boolean {
  if (graph.sinks.some((sink) => 'write' in sink && sink.write === 'insert')) return false
  // An existing table cannot have other columns.
  const shapes = { before: shapesOf(graph)!, after: shapesOf(edit.graph)! }
  const isOther = ({ id }: Sink) => {
    const before = shapes.before.get(`into ${edit.before(id) ?? id}`)
    return before !== undefined && !sameShape(before, shapes.after.get(`into ${id}`)!)
  }
  if (edit.graph.sinks.some((sink) => sink.kind === 'table' && isOther(sink))) return false
  return [graph, edit.graph].every((each) => {
    const predicted = predict(each)
    return hasClearChoices(predicted) && stopsOf(each, predicted).length === 0
  })
}

async function playOne(
  root: string,
  graph: Case,
  plan: Plan,
  edit: ReplayEdit,
  next: Plan,
  random: Random,
  pipe: string | undefined,
): Promise<ReplayResult | undefined> {
  const caseOf = (used: ReplayEdit): ReplayedCase => ({
    old: graph,
    edit: used,
    named: { old: namedIn(plan), next: namedIn(used.graph === graph ? plan : next) },
    isRead: ({ record }) => isEarly(record.round),
  })
  const { left } = predictReplayed(caseOf(edit), [])
  const kill = { point: random.pick(replayPoints), time: random.int(1, 2) }
  const runner = pipe === undefined ? inProcess(graph, plan, root, random) : commandRunner(graph, root, pipe)
  const isAllowed = ({ step }: { readonly step: string }, used: ReplayEdit) => !reachesMemory(graph, used, step)
  try {
    const run = await runReplay(graph, plan, edit, next, root, { runner, kill, random, isAllowed, also: left })
    if (!run) return undefined
    const { error } = run
    const which = caseOf(run.edit)
    const replayed = predictReplayed(which, run.letters)
    const told = {
      graph,
      edit,
      outcome: run.outcome,
      kill,
      killed: run.killed,
      outcomes: replayed.outcomes,
      ...(error ? { error: `${error.code}: ${error.message}` } : {}),
    }
    const required = decisionFor(graph, edit, run)
    // Other faults would be consequences of the wrong decision.
    const expected = [run.planned, required].find((each) => each && each !== run.outcome)
    if (expected && run.outcome !== 'failed') {
      const text = `it must be ${expected}, but it was ${run.outcome}${told.error ? `: ${told.error}` : ''}`
      return { ...told, faults: [{ kind: 'decision', at: '', text }] }
    }
    if (run.outcome === 'failed') return { ...told, faults: [{ kind: 'failed', at: '', text: told.error! }] }
    return { ...told, faults: judgeReplay(which, run, replayed) }
  } catch (error) {
    if (!(error instanceof Hang)) throw error
    const faults: Fault[] = [{ kind: 'hang', at: '', text: error.message }]
    return { graph, edit, outcome: 'failed', kill, killed: false, outcomes: new Map(), faults }
  }
}

/** Points that a replay passes. */
const replayPoints = crashPoints.filter((point) => !/begin|end|commit_action|after_read/.test(point))

/** Whether a letter that stopped here would change a memory. */
function reachesMemory(old: Case, edit: ReplayEdit, at: string): boolean {
  const next = edit.graph
  const reached = new Set(targetsOf(old, edit, at))
  for (const step of next.steps) {
    if (!reached.has(step.id) && !step.from.some((name) => reached.has(name))) continue
    if (step.verb === 'aggregate' || step.verb === 'dedupe') return true
    reached.add(step.id)
    if (step.verb === 'route') for (const { name } of step.branches) reached.add(name)
    if (step.verb === 'route' && step.rest !== undefined) reached.add(step.rest)
  }
  return false
}

/** What the rules demand. A run that has ended is not bound by its spec, but by its results. */
function decisionFor(graph: Case, edit: ReplayEdit, { observations }: ReplayRun): Decision | undefined {
  if (graph.runs === 'continue')
    return edit.class === 'mended' || edit.class === 'bytes mended'
      ? undefined
      : requiredDecision(edit as Parameters<typeof requiredDecision>[0], graph, true)
  const { letters } = observations[0]!
  const isFinal = letters.some(({ step }) => reachesMemory(graph, edit, step))
  return isFinal || edit.class === 'sink moved' ? 'refused' : 'kept'
}

/** Letters by outcome. */
export const tallyOf = ({ outcomes }: ReplayResult) => ({
  letters: outcomes.size,
  replayed: [...outcomes.values()].filter((outcome) => outcome === 'replayed').length,
})
