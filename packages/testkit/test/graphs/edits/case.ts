/** One case with an edit, from its number to its verdict. */
import { join } from 'node:path'
import { crashPoints, type Plan } from '@millrace/core'
import type { Case, Sink } from '../case.ts'
import { generate } from '../generate/index.ts'
import { type Fault, judge, judgeRuns } from '../judge/index.ts'
import { type Ending, judgeEnd } from '../judge/end.ts'
import { type IsSaved, savedIn } from '../judge/expected.ts'
import { type Arrival, type Place, predict, stopsOf } from '../model/index.ts'
import { Hang } from '../play/engine.ts'
import { planOf } from '../project/root.ts'
import { Random } from '../random.ts'
import { sameShape, shapesOf } from '../shape.ts'
import { type Decision, ruled } from './decide.ts'
import { type Edit, editClasses, editOf } from './edit.ts'
import { type EditedRun, playEdited } from './play.ts'
import { type Edited, predictEdited } from './predict.ts'

export interface EditResult {
  readonly graph: Case
  readonly edit: Edit
  /** Why it was not running when it was edited. */
  readonly paused: 'killed' | 'stopped' | 'round'
  readonly outcome: EditedRun['outcome']
  /** What became of it must be this, where a rule says so. */
  readonly ruled?: Decision
  readonly error?: string
  readonly faults: readonly Fault[]
}

/** Plays the edit of this number. Each number has a class, so that all come as often. */
export async function playEdit(root: string, seed: number, number: number): Promise<EditResult> {
  for (let attempt = 0; ; attempt++) {
    const random = new Random(seed, number, attempt, 77)
    const graph = plain(generate(seed, number, attempt))
    const edit = editOf(random, graph, editClasses[number % editClasses.length]!)
    if (!edit || !shapesOf(edit.graph) || !isFit(graph, edit)) continue
    const { plan } = await planOf(join(root, 'check'), graph)
    const { plan: next } = plan ? await planOf(join(root, 'check'), edit.graph) : {}
    const result = plan && next && (await playOne(join(root, 'edited'), graph, plan, edit, next, random))
    if (result) return result
  }
}

/** Without what would make an edit's effect hard to tell: records that come twice, outages, readers. */
function plain({ outage: _, ...graph }: Case): Case {
  const once = new Set<string>()
  const isNew = (u: string) => !once.has(u) && once.add(u) !== undefined
  const sources = graph.sources.map(({ afterRead: _, ...source }) => ({
    ...source,
    splits: source.splits.map((split) => ({ ...split, records: split.records.filter(({ u }) => isNew(u)) })),
  }))
  return { ...graph, taken: false, sources }
}

const toMendOf = (graph: Case): ReadonlySet<string> =>
  new Set(stopsOf(graph, predict(graph)).map(({ arrival }) => arrival.place?.record.u ?? ''))

/** Whether the new graph stops at nothing that is not mended by then. */
function isFit(graph: Case, edit: Edit): boolean {
  const toMend = toMendOf(graph)
  const isLater = graph.sources.some(({ splits }) =>
    splits.some(({ records }) => records.some((each) => each.round === 1)),
  )
  if (toMend.size > 0 && isLater) return false
  if (graph.sinks.some((sink) => 'write' in sink && sink.write === 'insert')) return false
  // A table that is there has the columns that it has.
  const shapes = { before: shapesOf(graph)!, after: shapesOf(edit.graph)! }
  const isOther = ({ id }: Sink) => {
    const before = shapes.before.get(`into ${edit.before(id) ?? id}`)
    return before !== undefined && !sameShape(before, shapes.after.get(`into ${id}`)!)
  }
  if (edit.graph.sinks.some((sink) => sink.kind === 'table' && isOther(sink))) return false
  return stopsOf(edit.graph, predict(edit.graph, toMend)).length === 0
}

async function playOne(
  root: string,
  graph: Case,
  plan: Plan,
  edit: Edit,
  next: Plan,
  random: Random,
): Promise<EditResult | undefined> {
  const toMend = toMendOf(graph)
  const death =
    toMend.size > 0 || (graph.runs === 'continue' && random.chance(0.3))
      ? undefined
      : { point: random.pick(crashPoints), time: random.int(1, 8) }
  const isInPast = savedIn(graph)
  const edited = (saved: Parameters<typeof isInPast>[1]) =>
    predictEdited(graph, edit, toMend, (place: Place) => isInPast({ place } as Arrival, saved))
  try {
    const { left } = edited(new Map())
    const run = await playEdited(graph, plan, edit, next, root, { death, random, toMend, also: left })
    if (!run) return undefined
    const [first] = run.pauses as [EditedRun['pauses'][number]]
    const rule = ruled(edit, graph, first.saved.size > 0)
    const told = {
      graph,
      edit,
      paused: first.why as EditResult['paused'],
      outcome: run.outcome,
      ...(rule ? { ruled: rule } : {}),
    }
    const error = run.error ? { error: `${run.error.code}: ${run.error.message}` } : {}
    const wrongly = [run.decided, rule].find((each) => each && each !== run.outcome)
    // What comes of a wrong decision is its consequence.
    if (wrongly) {
      const text = `it must be ${wrongly}, but it was ${run.outcome}${run.error ? `: ${run.error.message}` : ''}`
      return { ...told, ...error, faults: [{ wrong: 'decision', at: '', text }] }
    }
    const faults: Fault[] = []
    if (run.outcome === 'failed') faults.push({ wrong: 'failed', at: '', text: error.error! })
    else if (run.outcome === 'refused') faults.push(...judge(graph, { pauses: run.pauses, lives: [] }, toMend))
    else faults.push(...judgeKept(graph, edit, run, edited(first.saved), isInPast))
    return { ...told, ...error, faults }
  } catch (error) {
    if (!(error instanceof Hang)) throw error
    return {
      graph,
      edit,
      paused: 'killed',
      outcome: 'failed',
      faults: [{ wrong: 'hang', at: '', text: error.message }],
    }
  }
}

/** A run that went on: what was saved by then went by the old spec, the rest by the new one. */
function judgeKept(
  graph: Case,
  edit: Edit,
  run: EditedRun,
  { prediction, stale, left }: Edited,
  isInPast: IsSaved,
): Fault[] {
  const faults = judgeRuns(run.pauses)
  if (run.pauses.at(-1)!.why !== 'done') return faults
  const isKnown = ({ place }: Arrival) => graph.sources.some(({ id }) => id === place?.source)
  const ending: Ending = {
    graph: { ...edit.graph, sinks: [...edit.graph.sinks, ...left] },
    prediction,
    pauses: run.pauses,
    isSaved: (arrival, saved) => isKnown(arrival) && isInPast(arrival, saved),
    countsAll: false,
    stale: { prediction: stale, graph, in: ['id', 'key', 'log'] },
  }
  return [...faults, ...judgeEnd(ending)]
}
