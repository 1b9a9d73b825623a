/**
 * What holds the watermarks of a pipeline, for another process: as the running one says, or, if none runs, as of the
 * last save. Then what waits is counted by a step that is given the saved memory.
 */
import type { Output, Waiting } from '../connector/index.ts'
import type { Plan, PlanStep } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import { readStore, type StoreReader } from '../store/index.ts'
import { sourcesOfSteps } from './reach.ts'
import { instanceFolders } from './rescale.ts'
import { readWatermarks } from './watermark-file.ts'
import { finite, type Hold, type LaneReport, listed, type WatermarkReport } from './watermark-report.ts'
import { createTransform, type Workspace } from './wiring.ts'

/** The watermarks of one copy of a pipeline. */
export interface InstanceWatermarks extends WatermarkReport {
  readonly instance: { readonly i: number; readonly n: number }
  /** The process that runs it; null: none. */
  readonly heldBy: string | null
  /** If none runs it: what the last process said, and when, by step; null: it said nothing. */
  readonly before: { readonly atMs: number; readonly holds: Readonly<Record<string, Hold>> } | null
}

/**
 * The watermarks of each copy that has state; empty: it has not run yet. Only for processes that do not run the
 * pipeline themselves. Throws what reading a state throws.
 */
export function watermarksOf(plan: Plan, registry: Registry, workspace: Workspace): InstanceWatermarks[] {
  return instanceFolders(workspace.stateDir ?? workspace.home, plan.name).flatMap(({ folder, i, n }) => {
    const store = readStore(folder)
    if (!store) return []
    try {
      const heldBy = store.holder() ?? null
      const told = readWatermarks(folder)
      const steps = told.flatMap((each) => each.steps)
      const toldMs = Math.min(...told.map(({ atMs }) => atMs ?? 0))
      if (heldBy !== null && told.length > 0)
        return {
          instance: { i, n },
          heldBy,
          before: null,
          atMs: toldMs,
          steps,
          ...listed(told.flatMap(({ lanes }) => lanes)),
          otherLanes: told.reduce((sum, { otherLanes }) => sum + otherLanes, 0),
        }
      const holds = Object.fromEntries(steps.map(({ step, hold }) => [step, hold]))
      const before = heldBy === null && told.length > 0 ? { atMs: toldMs, holds } : null
      const why = heldBy === null ? 'not_running' : 'starting'
      return { instance: { i, n }, heldBy, before, ...savedReport(why, plan, registry, workspace, store) }
    } finally {
      store.close()
    }
  })
}

/** `why`: why an active lane is not further. */
function savedReport(
  why: 'not_running' | 'starting',
  plan: Plan,
  registry: Registry,
  workspace: Workspace,
  store: StoreReader,
): WatermarkReport {
  const sources = plan.sources.filter(({ side }) => !side)
  const reaching = sourcesOfSteps({ sources, steps: plan.steps.map((step) => ({ id: step.id, plan: step })) })
  const saved = store.lanes()
  const lanes = saved.flatMap(({ source, lane, high, state }): LaneReport[] => {
    const time = sources.find(({ id }) => id === source)?.eventTime
    if (!time) return []
    const watermarkMs = finite(high - (time.maxOutOfOrderMs ?? Number.POSITIVE_INFINITY) - 1)
    const isActive = state === 'active'
    return [{ source, lane, highMs: finite(high), watermarkMs, state: isActive ? why : state, sinceMs: null }]
  })
  const steps = plan.steps
    .filter(({ times }) => times)
    .map((step) => {
      const ids = reaching.get(step.id)!
      const high = saved.find(({ source, lane }) => source === '' && lane === ids.join())?.high
      const watermark = high ?? Number.NEGATIVE_INFINITY
      const [holder] = listed(lanes.filter(({ source, state }) => ids.includes(source) && state === why)).lanes
      const hold: Hold = {
        why,
        ...(holder ? { source: holder.source, lane: holder.lane } : {}),
        sinceMs: null,
      }
      const waiting = waitingIn(plan, step, registry, workspace, store, watermark)
      return { step: step.id, watermarkMs: finite(watermark), hold, ...(waiting ? { waiting } : {}) }
    })
  return { atMs: null, steps, ...listed(lanes) }
}

const nowhere: Output = { fail() {}, side() {}, result() {}, failResult() {} }

/** What a step with this memory waits for; undefined: it does not say, or the memory is not of this step. */
function waitingIn(
  plan: Plan,
  step: PlanStep,
  registry: Registry,
  workspace: Workspace,
  store: StoreReader,
  watermark: number,
): Waiting | undefined {
  const hash = store.stateHash(step.id)
  if (hash !== undefined && hash !== step.stateHash) return undefined
  const transform = createTransform(plan, step, registry, workspace)
  if (!transform.waiting) return undefined
  transform.restore?.(store.saved(step.id))
  // What had fired by then fires again, into nothing.
  while (transform.advance && !transform.advance({ watermark, clock: 0, end: false }, nowhere));
  return transform.waiting()
}
