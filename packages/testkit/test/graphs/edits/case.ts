/** Runs a case with an edit and judges it. */
import { join } from 'node:path'
import { crashPoints, type Plan } from '@millrace/core'
import { canUpdate, type Case, isWindowStep, type Sink } from '../case.ts'
import { generate, hasClearChoices } from '../generate/index.ts'
import { type Fault, judge, judgeRuns } from '../judge/index.ts'
import { type Ending, judgeEnd } from '../judge/end.ts'
import { type IsSaved, savedIn } from '../judge/expected.ts'
import { type Arrival, type Place, predict, stopsOf } from '../model/index.ts'
import { Hang } from '../run/runner.ts'
import { planOf } from '../project/root.ts'
import { placeOf } from '../project/spec.ts'
import { Random } from '../random.ts'
import { sameShape, shapesOf } from '../shape.ts'
import { type Decision, requiredDecision } from './decide.ts'
import { type Edit, editClasses, editOf } from './edit.ts'
import { type EditedRun, runEdited } from './run.ts'
import { type Edited, predictEdited } from './predict.ts'

export interface EditResult {
  readonly graph: Case
  readonly edit: Edit
  /** Why it was not running at the time of the edit. */
  readonly paused: 'killed' | 'stopped' | 'round'
  readonly outcome: EditedRun['outcome']
  /** What the rules demand, if anything. */
  readonly required?: Decision
  readonly error?: string
  readonly faults: readonly Fault[]
}

/** Runs the edit of a number. The number decides its class, so that all classes are equally frequent. */
export async function runEdit(root: string, seed: number, number: number): Promise<EditResult> {
  for (let attempt = 0; ; attempt++) {
    const random = new Random(seed, number, attempt, 77)
    const graph = plain(generate(seed, number, attempt))
    // What windows hold after an edit is not modelled.
    if (graph.steps.some((step) => isWindowStep(step) || canUpdate(step))) continue
    const edit = editOf(random, graph, editClasses[number % editClasses.length]!)
    if (!edit || !shapesOf(edit.graph) || !isFit(graph, edit)) continue
    const { plan } = await planOf(join(root, 'check'), graph)
    const { plan: next } = plan ? await planOf(join(root, 'check'), edit.graph) : {}
    const result = plan && next && (await playOne(join(root, 'edited'), graph, plan, edit, next, random))
    if (result) return result
  }
}

/** Leaves out what would blur the effect of an edit: repeated records, outages, files that are moved away. */
export function plain({ outage: _, ...graph }: Case): Case {
  const once = new Set<string>()
  const isNew = (u: string) => !once.has(u) && once.add(u) !== undefined
  const sources = graph.sources.map(({ afterRead: _, ...source }) => ({
    ...source,
    splits: source.splits.map((split) => ({ ...split, records: split.records.filter(({ u }) => isNew(u)) })),
  }))
  return { ...graph, filesMoved: false, sources }
}

const toCorrectOf = (graph: Case): ReadonlySet<string> =>
  new Set(stopsOf(graph, predict(graph)).map(({ arrival }) => arrival.place?.record.u ?? ''))

/** Whether the outcome can be predicted. */
function isFit(graph: Case, edit: Edit): boolean {
  const toCorrect = toCorrectOf(graph)
  const isLater = graph.sources.some(({ splits }) =>
    splits.some(({ records }) => records.some((each) => each.round === 1)),
  )
  if (toCorrect.size > 0 && isLater) return false
  if (graph.sinks.some((sink) => 'write' in sink && sink.write === 'insert')) return false
  // An existing table cannot have other columns.
  const shapes = { before: shapesOf(graph)!, after: shapesOf(edit.graph)! }
  const isOther = ({ id }: Sink) => {
    const before = shapes.before.get(`into ${edit.before(id) ?? id}`)
    return before !== undefined && !sameShape(before, shapes.after.get(`into ${id}`)!)
  }
  if (edit.graph.sinks.some((sink) => sink.kind === 'table' && isOther(sink))) return false
  const predicted = predict(edit.graph, toCorrect)
  return hasClearChoices(predicted) && stopsOf(edit.graph, predicted).length === 0
}

async function playOne(
  root: string,
  graph: Case,
  plan: Plan,
  edit: Edit,
  next: Plan,
  random: Random,
): Promise<EditResult | undefined> {
  const toCorrect = toCorrectOf(graph)
  // A bounded run that has ended is no longer in progress.
  const points = graph.runs === 'whole' ? crashPoints.filter((point) => point !== 'after_end') : crashPoints
  const kill =
    toCorrect.size > 0 || (graph.runs === 'continue' && random.chance(0.3))
      ? undefined
      : { point: random.pick(points), time: random.int(1, 8) }
  const isInPast = savedIn(graph)
  const edited = (saved: Parameters<typeof isInPast>[1]) =>
    predictEdited(graph, edit, toCorrect, (place: Place) => isInPast({ place } as Arrival, saved))
  try {
    const { left } = edited(new Map())
    const run = await runEdited(graph, plan, edit, next, root, { kill, random, toCorrect, also: left })
    if (!run) return undefined
    const [first] = run.observations as [EditedRun['observations'][number]]
    const required = requiredDecision(edit, graph, first.saved.size > 0)
    const told = {
      graph,
      edit,
      paused: first.why as EditResult['paused'],
      outcome: run.outcome,
      ...(required ? { required } : {}),
    }
    const error = run.error ? { error: `${run.error.code}: ${run.error.message}` } : {}
    const expected = [run.planned, required].find((each) => each && each !== run.outcome)
    // Other faults would be consequences of the wrong decision.
    if (expected) {
      const text = `it must be ${expected}, but it was ${run.outcome}${run.error ? `: ${run.error.message}` : ''}`
      return { ...told, ...error, faults: [{ kind: 'decision', at: '', text }] }
    }
    const faults: Fault[] = []
    if (run.outcome === 'failed') faults.push({ kind: 'failed', at: '', text: error.error! })
    else if (run.outcome === 'refused')
      faults.push(...judge(graph, { observations: run.observations, starts: [] }, toCorrect))
    else faults.push(...judgeKept(graph, edit, run, edited(first.saved), isInPast))
    return { ...told, ...error, faults }
  } catch (error) {
    if (!(error instanceof Hang)) throw error
    return {
      graph,
      edit,
      paused: 'killed',
      outcome: 'failed',
      faults: [{ kind: 'hang', at: '', text: error.message }],
    }
  }
}

/** Judges a run that has continued with the new spec. */
function judgeKept(
  graph: Case,
  edit: Edit,
  run: EditedRun,
  { prediction, stale, left }: Edited,
  isInPast: IsSaved,
): Fault[] {
  const faults = judgeRuns(run.observations)
  if (run.observations.at(-1)!.why !== 'done') return faults
  const isKnown = ({ place }: Arrival) => graph.sources.some(({ id }) => id === place?.source)
  const ending: Ending = {
    graph: { ...edit.graph, sinks: [...edit.graph.sinks, ...left] },
    prediction,
    observations: run.observations,
    isSaved: (arrival, saved) => isKnown(arrival) && isInPast(arrival, saved),
    countsAll: false,
    abandoned: left.map(placeOf),
    stale: { prediction: stale, graph, in: ['id', 'key', 'log'] },
  }
  return [...faults, ...judgeEnd(ending)]
}
