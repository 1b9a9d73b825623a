/** Runs a case and judges it. */
import { join } from 'node:path'
import type { Plan } from '@millrace/core'
import type { Case } from '../case.ts'
import { generate } from '../generate/index.ts'
import { type Fault, judge, judgeIdentity } from '../judge/index.ts'
import { predict, stopsOf } from '../model/index.ts'
import { planOf } from '../project/root.ts'
import { Random } from '../random.ts'
import { inProcess } from './in-process.ts'
import type { Kill } from './process.ts'
import { Hang, type Runner } from './runner.ts'
import { runScenario, type Scenario, type Trace } from './scenario.ts'

/** `undisturbed`: nothing happens to it; `crashed`: killed in this process; `killed`: the real command, by SIGKILL. */
export type How = 'undisturbed' | 'crashed' | 'killed'

export interface Verdict {
  readonly how: How
  /** Empty: every promise was kept. */
  readonly faults: readonly Fault[]
  readonly kills: readonly Kill[]
  /** Absent: a run hung. */
  readonly trace?: Trace
}

export interface Result {
  readonly graph: Case
  /** Findings of the check for cases that were replaced by this one. */
  readonly refused: readonly string[]
  readonly verdicts: readonly Verdict[]
  /** The planned kill. `hit`: the process came to it. */
  readonly crash?: Kill & { readonly hit: boolean }
}

/** Generates the case of a number, or the first replacement that the check accepts. */
export async function acceptedCase(
  root: string,
  seed: number,
  number: number,
): Promise<{ readonly graph: Case; readonly plan: Plan; readonly refused: readonly string[] }> {
  const refused: string[] = []
  for (let attempt = 0; ; attempt++) {
    const graph = generate(seed, number, attempt)
    const { plan, refused: findings } = await planOf(join(root, 'check'), graph)
    if (plan) return { graph, plan, refused }
    refused.push(...findings)
  }
}

/** Runs the case of a number undisturbed and crashed. `kill`: default is a random one that the case comes to. */
export async function runNumber(root: string, seed: number, number: number, kill?: Kill): Promise<Result> {
  const { graph, plan, refused } = await acceptedCase(root, seed, number)
  return { ...(await runCase(root, graph, plan, kill)), refused }
}

export async function runCase(
  root: string,
  graph: Case,
  plan: Plan,
  kill?: Kill,
  undisturbedOnly = false,
): Promise<Omit<Result, 'refused'>> {
  const random = randomOf(graph)
  const toCorrect = toCorrectOf(graph)
  const runAs = (how: How, kills: readonly Kill[]) => {
    const runner = inProcess(graph, plan, join(root, how), random)
    return verdictOf(graph, join(root, how), runner, how, { kills, disturbed: how === 'crashed', random, toCorrect })
  }
  const undisturbed = await runAs('undisturbed', [])
  const first = { ...undisturbed, faults: [...undisturbed.faults, ...judgePromise(graph, plan)] }
  const drawn = randomKill(random, first.trace?.starts[0]!.passed)
  const crash = kill ?? drawn
  if (!crash || undisturbedOnly) return { graph, verdicts: [first] }
  // A second kill is early, since what is left after the first may be little.
  const points = ['after_read', 'before_write', 'before_save', 'after_save']
  const again = random.chance(0.3) ? [{ point: random.pick(points), time: random.int(1, 2) }] : []
  const second = await runAs('crashed', [crash, ...again])
  const changedIds = first.trace && second.trace ? judgeIdentity(graph, first.trace, second.trace) : []
  return {
    graph,
    verdicts: [first, { ...second, faults: [...second.faults, ...changedIds] }],
    crash: { ...crash, hit: second.trace?.starts[0]!.killed ?? false },
  }
}

/** A log appends unsaved records again after a crash, so a pipeline that writes to one is at-least-once. */
function judgePromise({ sinks }: Case, { delivery }: Plan): Fault[] {
  if (delivery.label !== 'effectively-once' || !sinks.some(({ kind }) => kind === 'log')) return []
  return [{ kind: 'promise', at: '', text: `the plan promises ${delivery.label} (${delivery.weakest})` }]
}

export const randomOf = ({ seed, number }: Case): Random => new Random(seed, number, 1_000_003)

/** The input records that stop the run, by `u`. */
export const toCorrectOf = (graph: Case): ReadonlySet<string> =>
  new Set(stopsOf(graph, predict(graph)).map(({ arrival }) => arrival.place!.record.u))

export async function verdictOf(
  graph: Case,
  root: string,
  runner: Runner,
  how: How,
  scenario: Scenario,
): Promise<Verdict> {
  const { kills, toCorrect } = scenario
  try {
    const trace = await runScenario(graph, root, runner, scenario)
    return { how, kills, trace, faults: judge(graph, trace, toCorrect) }
  } catch (error) {
    if (!(error instanceof Hang)) throw error
    return { how, kills, faults: [{ kind: 'hang', at: '', text: error.message }] }
  }
}

/** How much more often to draw points that few graphs pass. */
const weights: Readonly<Record<string, number>> = {
  after_commit_action: 24,
  side_remembered: 18,
  before_mark_done: 12,
  sqlite_staged: 3,
  sqlite_published: 3,
  after_end: 2,
  before_end: 2,
  after_publish: 2,
  before_publish: 2,
  file_marked: 2,
  mid_file: 2,
}

export function randomKill(random: Random, passed: ReadonlyMap<string, number> | undefined): Kill | undefined {
  if (!passed || passed.size === 0) return undefined
  const drawn = [...passed].flatMap((each) => Array.from({ length: weights[each[0]] ?? 1 }, () => each))
  const [point, times] = random.pick(drawn)
  // With other timing a point may be passed somewhat less often.
  return { point, time: random.int(1, Math.max(1, Math.ceil(times * 0.8))) }
}
