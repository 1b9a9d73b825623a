/** One case from its number to its verdict. */
import { join } from 'node:path'
import { crashPoints, type Plan } from '@millrace/core'
import type { Case } from '../case.ts'
import { generate } from '../generate/index.ts'
import { type Fault, judge, judgeIdentity } from '../judge/index.ts'
import { predict, stopsOf } from '../model/index.ts'
import { planOf } from '../project/root.ts'
import { Random } from '../random.ts'
import { engineOfCommand } from './command.ts'
import { type Engine, Hang } from './engine.ts'
import { engineInside } from './inside.ts'
import type { Death } from './life.ts'
import { play, type Played, type Script } from './play.ts'

/** How a case was played: undisturbed; with a crash and what else may happen; by the real command, with a real kill. */
export type How = 'undisturbed' | 'crashed' | 'killed'

export interface Verdict {
  readonly how: How
  readonly faults: readonly Fault[]
  readonly deaths: readonly Death[]
  readonly played?: Played
}

export interface Result {
  readonly graph: Case
  /** What the check refused before there was a case that it takes. */
  readonly refused: readonly string[]
  readonly verdicts: readonly Verdict[]
  /** The crash that was planned, and whether it came to be. */
  readonly crash?: Death & { readonly hit: boolean }
}

/** The first case of this number that the check takes, with its plan. */
export async function caseOf(
  root: string,
  seed: number,
  number: number,
): Promise<{ readonly graph: Case; readonly plan: Plan; readonly refused: readonly string[] }> {
  const refused: string[] = []
  for (let attempt = 0; ; attempt++) {
    const graph = generate(seed, number, attempt)
    const { plan, refused: codes } = await planOf(join(root, 'check'), graph)
    if (plan) return { graph, plan, refused }
    refused.push(...codes)
  }
}

/** Plays the case of this number. `death`: the crash to try, absent: one at a point that the case passes. */
export async function playNumber(root: string, seed: number, number: number, death?: Death): Promise<Result> {
  const { graph, plan, refused } = await caseOf(root, seed, number)
  return { ...(await playCase(root, graph, plan, death)), refused }
}

/** Plays a case undisturbed and then, unless `calm`, with a crash. */
export async function playCase(
  root: string,
  graph: Case,
  plan: Plan,
  death?: Death,
  calm = false,
): Promise<Omit<Result, 'refused'>> {
  const random = randomOf(graph)
  const toMend = toMendOf(graph)
  const inside = (how: How, deaths: readonly Death[]) => {
    const engine = engineInside(graph, plan, join(root, how), random)
    return judged(graph, join(root, how), engine, how, { deaths, disturbed: how === 'crashed', random, toMend })
  }
  const calmly = await inside('undisturbed', [])
  const first = { ...calmly, faults: [...calmly.faults, ...promised(graph, plan)] }
  const crash = death ?? anyDeath(random, first.played?.lives[0]!.passed)
  if (!crash || calm) return { graph, verdicts: [first] }
  // A second life may die as well: early, so that it does.
  const points = ['after_read', 'before_write', 'before_save', 'after_save']
  const again = random.chance(0.3) ? [{ point: random.pick(points), time: random.int(1, 2) }] : []
  const second = await inside('crashed', [crash, ...again])
  const other = first.played && second.played ? judgeIdentity(graph, first.played, second.played) : []
  return {
    graph,
    verdicts: [first, { ...second, faults: [...second.faults, ...other] }],
    crash: { ...crash, hit: second.played?.lives[0]!.died ?? false },
  }
}

/** Plays the case of this number by the real command, which is killed twice at one of the points that it passes. */
export async function killNumber(root: string, seed: number, number: number, pipe: string): Promise<Result> {
  const { graph, refused } = await caseOf(root, seed, number)
  const random = randomOf(graph)
  const publishes = graph.sinks.some(({ kind }) => kind === 'table' || kind === 'files')
  const point = random.pick(crashPoints.filter((name) => publishes || !name.endsWith('_publish')))
  const death = { point, time: 1 }
  const folder = join(root, 'killed')
  const script = { deaths: [death, death], disturbed: true, random, toMend: toMendOf(graph) }
  const verdict = await judged(graph, folder, engineOfCommand(graph, folder, pipe), 'killed', script)
  return { graph, refused, verdicts: [verdict], crash: { ...death, hit: verdict.played?.lives[0]!.died ?? false } }
}

/** A log takes records again that were not saved, whatever else there is. */
function promised({ sinks }: Case, { delivery }: Plan): Fault[] {
  const isWrong = delivery.label === 'effectively-once' && sinks.some(({ kind }) => kind === 'log')
  return isWrong ? [{ wrong: 'promise', at: '', text: `${delivery.label}, by ${delivery.weakest}` }] : []
}

const randomOf = ({ seed, number }: Case): Random => new Random(seed, number, 1_000_003)

/** The records that stop the run, by `u`. */
const toMendOf = (graph: Case): ReadonlySet<string> =>
  new Set(stopsOf(graph, predict(graph)).map(({ arrival }) => arrival.place!.record.u))

async function judged(graph: Case, root: string, engine: Engine, how: How, script: Script): Promise<Verdict> {
  const { deaths, toMend } = script
  try {
    const played = await play(graph, root, engine, script)
    return { how, deaths, played, faults: judge(graph, played, toMend) }
  } catch (error) {
    if (!(error instanceof Hang)) throw error
    return { how, deaths, faults: [{ wrong: 'hang', at: '', text: error.message }] }
  }
}

function anyDeath(random: Random, passed: ReadonlyMap<string, number> | undefined): Death | undefined {
  if (!passed || passed.size === 0) return undefined
  const [point, times] = random.pick([...passed])
  // A disturbed run may pass a point a little less often.
  return { point, time: random.int(1, Math.max(1, Math.ceil(times * 0.8))) }
}
