/**
 * Runs a case whose spec is edited after its first start: killed, stopped by bad data, or between two rounds of
 * input.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from '@millrace/core'
import type { Case } from '../case.ts'
import { correctInput, writeInput } from '../project/input.ts'
import { makeRoot } from '../project/root.ts'
import { specOf } from '../project/spec.ts'
import type { Random } from '../random.ts'
import { inProcess } from '../run/in-process.ts'
import { outputsOf } from '../run/outputs.ts'
import type { Kill } from '../run/process.ts'
import type { RunEnd } from '../run/runner.ts'
import { hasLaterInput, type Observation, reported, savedOf } from '../run/scenario.ts'
import { type Decision, plannedDecision } from './decide.ts'
import type { Edit } from './edit.ts'

export interface EditedRun {
  /** The spec was edited after the first of them. */
  readonly observations: readonly Observation[]
  /** `failed`: neither kept nor refused before the first read. */
  readonly outcome: Decision | 'failed'
  /** What the plan had said, if core can say it. */
  readonly planned?: Decision
  /** Why it was refused or has failed. */
  readonly error?: RunEnd['error']
}

export interface EditScenario {
  readonly kill: Kill | undefined
  readonly random: Random
  readonly toCorrect: ReadonlySet<string>
  /** Sinks to observe in addition to those of the new spec. */
  readonly also: Case['sinks']
}

/** A refused edit is undone, and the run continues with the old spec. Undefined: the first start has read all input. */
export async function runEdited(
  old: Case,
  oldPlan: Plan,
  edit: Edit,
  newPlan: Plan,
  root: string,
  { kill, random, toCorrect, also }: EditScenario,
): Promise<EditedRun | undefined> {
  const home = join(root, '.millrace', 'local')
  const runner = inProcess(old, oldPlan, root, random)
  makeRoot(root, old)
  writeInput(root, old, 0)
  const observations: Observation[] = []
  let corrected: ReadonlySet<string> = new Set()
  let isMore = hasLaterInput(old)
  const observe = async (why: Observation['why'], end: RunEnd, graph: Case) => {
    const outputs = await outputsOf(root, graph, runner.reader, new Map())
    observations.push({
      ...reported(end),
      why,
      saved: savedOf(home, old),
      outputs,
      corrected,
      missingInputs: [],
    })
  }
  const moreInput = () => {
    writeInput(root, old, 1, corrected)
    isMore = false
  }
  const use = (graph: Case, plan: Plan) => {
    writeFileSync(join(root, 'job.yaml'), specOf(graph))
    runner.use(graph, plan)
  }

  const first = await runner.start({ kill, outage: false, shift: 0 })
  const why = first.killed ? 'killed' : first.error ? 'stopped' : 'round'
  if (why === 'round' && !isMore) return undefined
  await observe(why, first, old)
  if (why === 'stopped') correctInput(root, old, 0, (corrected = toCorrect))
  if (isMore && (why === 'round' || random.chance(0.5))) moreInput()

  use(edit.graph, newPlan)
  const decision = plannedDecision(newPlan, home)
  const planned = decision ? { planned: decision } : {}
  const second = await runner.start({ outage: false, shift: random.int(0, 4) })
  const isRefused = second.error?.exitCode === 2 && second.reads === 0
  if (second.error && !isRefused) return { observations, outcome: 'failed', error: second.error, ...planned }

  if (isRefused) use(old, oldPlan)
  const graph = isRefused ? old : { ...edit.graph, sinks: [...edit.graph.sinks, ...also] }
  let end = isRefused ? await runner.start({ outage: false, shift: 0 }) : second
  if (!end.error && isMore) {
    await observe('round', end, graph)
    moreInput()
    end = await runner.start({ outage: false, shift: 0 })
  }
  await observe(end.error ? 'failed' : 'done', end, graph)
  const refusal = isRefused && second.error ? { error: second.error } : {}
  return { observations, outcome: isRefused ? 'refused' : 'kept', ...planned, ...refusal }
}
