/** Plays a case whose spec is edited at its first pause: after a kill, a stop, or between two rounds of input. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from '@millrace/core'
import type { Case } from '../case.ts'
import { mendInput, writeInput } from '../project/input.ts'
import { makeRoot } from '../project/root.ts'
import { specOf } from '../project/spec.ts'
import type { Random } from '../random.ts'
import type { Ended } from '../play/engine.ts'
import { engineInside } from '../play/inside.ts'
import type { Death } from '../play/life.ts'
import { outputsOf } from '../play/outputs.ts'
import { type Pause, savedOf } from '../play/play.ts'
import { type Decision, planned } from './decide.ts'
import type { Edit } from './edit.ts'

export interface EditedRun {
  /** When the spec was edited: the first of `pauses`. */
  readonly pauses: readonly Pause[]
  /** What became of the edit; `failed`: it was neither kept nor refused before anything was read. */
  readonly outcome: Decision | 'failed'
  /** What the plan said of it before. */
  readonly decided?: Decision
  readonly error?: Ended['error']
}

export interface EditScript {
  readonly death: Death | undefined
  readonly random: Random
  readonly toMend: ReadonlySet<string>
  /** Sinks to be looked at beside those of the new graph. */
  readonly also: Case['sinks']
}

const mostLives = 6

/** Undefined: the first run came to its end, there was nothing to interrupt. */
export async function playEdited(
  old: Case,
  plan: Plan,
  edit: Edit,
  nextPlan: Plan,
  root: string,
  script: EditScript,
): Promise<EditedRun | undefined> {
  const { random, toMend } = script
  const home = join(root, '.millrace', 'local')
  const engine = engineInside(old, plan, root, random)
  makeRoot(root, old)
  writeInput(root, old, 0)
  const pauses: Pause[] = []
  let corrected: ReadonlySet<string> = new Set()
  let isMore = old.sources.some(({ splits }) => splits.some(({ records }) => records.some((each) => each.round === 1)))
  const pause = async (why: Pause['why'], { error, summary }: Ended, graph: Case) => {
    const outputs = await outputsOf(root, graph, engine.reader, new Map())
    const said = { ...(error ? { error } : {}), ...(summary ? { summary } : {}) }
    pauses.push({ why, saved: savedOf(home, old), outputs, corrected, gone: [], ...said })
  }
  const first = await engine.start({ death: script.death, disturbed: false, pace: 0 })
  const why = first.died ? 'killed' : first.error ? 'stopped' : 'round'
  if (why === 'round' && !isMore) return undefined
  await pause(why, first, old)
  if (why === 'stopped') mendInput(root, old, 0, (corrected = toMend))
  if (isMore && (why === 'round' || random.chance(0.5))) {
    writeInput(root, old, 1, corrected)
    isMore = false
  }

  const use = (graph: Case, itsPlan: Plan) => {
    writeFileSync(join(root, 'job.yaml'), specOf(graph))
    engine.use(graph, itsPlan)
  }
  use(edit.graph, nextPlan)
  const decision = planned(nextPlan, home)
  const decided = decision ? { decided: decision } : {}
  const edited = await engine.start({ disturbed: false, pace: random.int(0, 4) })
  const isRefused = edited.error?.exitCode === 2 && edited.reads === 0
  if (edited.error && !isRefused) return { pauses, outcome: 'failed', error: edited.error, ...decided }
  if (isRefused) use(old, plan)
  const graph = isRefused ? old : { ...edit.graph, sinks: [...edit.graph.sinks, ...script.also] }
  let ended = isRefused ? await engine.start({ disturbed: false, pace: 0 }) : edited
  for (let lives = 0; lives < mostLives && !ended.error && isMore; lives++) {
    await pause('round', ended, graph)
    writeInput(root, old, 1, corrected)
    isMore = false
    ended = await engine.start({ disturbed: false, pace: 0 })
  }
  await pause(ended.error ? 'failed' : 'done', ended, graph)
  return {
    pauses,
    outcome: isRefused ? 'refused' : 'kept',
    ...decided,
    ...(isRefused && edited.error ? { error: edited.error } : {}),
  }
}
