/** One case from its number to its verdict: once undisturbed, then with the crash. */
import { join } from 'node:path'
import type { Plan } from '@millrace/core'
import type { Case } from '../case.ts'
import { generate } from '../generate/index.ts'
import { type Fault, judge } from '../judge/index.ts'
import { predict, stopsOf } from '../model/index.ts'
import { planOf } from '../project/root.ts'
import { Random } from '../random.ts'
import type { Death } from './life.ts'
import { Hang, play, type Played } from './play.ts'

export interface Verdict {
  /** With or without the crash. */
  readonly how: 'undisturbed' | 'crashed'
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

/** Whether the check takes the case. */
async function planned(root: string, graph: Case): Promise<{ plan?: Plan; refused: readonly string[] }> {
  return planOf(join(root, 'check'), graph)
}

/** Plays the case of this number. `death`: the crash to try, absent: one of those that the case passes. */
export async function playNumber(root: string, seed: number, number: number, death?: Death): Promise<Result> {
  const refused: string[] = []
  for (let attempt = 0; ; attempt++) {
    const graph = generate(seed, number, attempt)
    const { plan, refused: codes } = await planned(root, graph)
    if (plan) return { ...(await playCase(root, graph, plan, death)), refused }
    refused.push(...codes)
  }
}

/** Plays a case of which the plan is known. */
export async function playCase(root: string, graph: Case, plan: Plan, given?: Death): Promise<Omit<Result, 'refused'>> {
  const random = new Random(graph.seed, graph.number, 1_000_003)
  const toMend = new Set(stopsOf(graph, predict(graph)).map(({ arrival }) => arrival.place!.record.u))
  const verdict = async (how: Verdict['how'], deaths: readonly Death[]): Promise<Verdict> => {
    try {
      const script = { deaths, disturbed: how === 'crashed', random, toMend }
      const played = await play(graph, plan, join(root, how), script)
      return { how, deaths, played, faults: judge(graph, played, toMend) }
    } catch (error) {
      if (!(error instanceof Hang)) throw error
      return { how, deaths, faults: [{ wrong: 'hang', at: '', text: error.message }] }
    }
  }
  const first = await verdict('undisturbed', [])
  const passed = first.played?.lives[0]!.passed ?? new Map<string, number>()
  const crash = given ?? anyDeath(random, passed)
  if (!crash) return { graph, verdicts: [first] }
  // A second life may die as well: early, so that it does.
  const again = random.chance(0.3)
    ? [{ point: random.pick(['after_read', 'before_write', 'before_save', 'after_save']), time: random.int(1, 2) }]
    : []
  const second = await verdict('crashed', [crash, ...again])
  const hit = second.played?.lives[0]!.died ?? false
  return { graph, verdicts: [first, second], crash: { ...crash, hit } }
}

function anyDeath(random: Random, passed: ReadonlyMap<string, number>): Death | undefined {
  if (passed.size === 0) return undefined
  const [point, times] = random.pick([...passed])
  // A disturbed run may pass a point a little less often.
  return { point, time: random.int(1, Math.max(1, Math.ceil(times * 0.8))) }
}
