/**
 * Looks once a second at what holds the watermarks of a component: writes it to the state folder, keeps it with the
 * progress of the run, and tells observers when another lane holds a watermark, or for another reason, and has done so
 * for a second.
 *
 * Decision: docs/decisions/20261202-watermarks-are-explained.md
 */
import type { Clock } from '../clock.ts'
import { type HoldContext, reasonOf } from './hold.ts'
import type { LaneNow } from './lane.ts'
import type { Lanes } from './lanes.ts'
import type { Component } from './nodes.ts'
import type { Observer, Progress } from './observe.ts'
import { sourcesOfSteps } from './reach.ts'
import { writeWatermarks } from './watermark-file.ts'
import { finite, type Hold, type LaneReport, listed, type StepWatermark } from './watermark-report.ts'

const everyMs = 1000

export interface Watermarks {
  /** Time has passed. */
  tick(): void
  /** The component ends. */
  end(): void
}

export interface WatermarksContext extends HoldContext {
  readonly component: Component
  readonly lanes: Lanes
  readonly clock: Clock
  readonly folder: string
  readonly observe: Observer
  readonly progress: Progress
}

/** Since when something has been so. */
interface Lasting {
  readonly what: string
  readonly sinceMs: number
}

/** Watches a component; one without event time has nothing to watch. */
export function createWatermarks(ctx: WatermarksContext): Watermarks {
  const { component, lanes, clock, observe, progress } = ctx
  if (!component.sources.some((s) => s.eventTime)) return { tick() {}, end() {} }
  const reaching = sourcesOfSteps(component)
  const steps = component.steps.filter(({ plan, transform }) => transform.waiting ?? plan.times)
  const lasting = new Map<string, Lasting>()
  /** What observers were told last, by step. */
  const told = new Map<string, string>()
  let lookedMs = Number.NEGATIVE_INFINITY
  let hasFailed = false

  /** Since when this has been so, and whether it was so when last looked at. */
  const last = (key: string, what: string, nowMs: number): Lasting & { readonly isNew: boolean } => {
    const before = lasting.get(key)
    if (before?.what === what) return { ...before, isNew: false }
    const made = { what, sinceMs: nowMs }
    lasting.set(key, made)
    return { ...made, isNew: true }
  }
  const laneOf = (now: LaneNow, nowMs: number) => {
    const { node, lane, watermark } = now
    const reason = now.isActive ? reasonOf(now, ctx) : undefined
    const state = reason?.why ?? (lane.idle ? ('idle' as const) : ('ended' as const))
    const { sinceMs } = last(`lane ${node.id} ${lane.id}`, state, nowMs)
    const report: LaneReport = {
      source: node.id,
      lane: lane.id,
      highMs: finite(lane.high),
      watermarkMs: finite(watermark),
      state,
      sinceMs: reason?.sinceMs ?? sinceMs,
    }
    return { report, reason, watermark }
  }
  const stepOf = ({ id, transform }: Component['steps'][number], all: readonly ReturnType<typeof laneOf>[]) => {
    const sources = reaching.get(id)!
    const holding = all.filter(({ report, reason }) => reason && sources.includes(report.source))
    const low = Math.min(...holding.map(({ watermark }) => watermark))
    const [holder, ...others] = holding.filter(({ watermark }) => watermark === low)
    const { report, reason } = holder ?? {}
    const hold: Omit<Hold, 'sinceMs'> = {
      ...(reason ?? { why: 'all_idle' }),
      ...(report ? { source: report.source, lane: report.lane } : {}),
      ...(others.length > 0 ? { others: others.length } : {}),
    }
    const waiting = transform.waiting?.()
    const watermarkMs = finite(lanes.reached(sources))
    return { step: id, watermarkMs, hold, ...(waiting ? { waiting } : {}), reportedMs: reason?.sinceMs }
  }
  const look = (): void => {
    const nowMs = clock.now()
    const all = lanes.all().map((now) => laneOf(now, nowMs))
    const found = steps.map((node): StepWatermark => {
      const { reportedMs, hold, ...step } = stepOf(node, all)
      const what = `${hold.why} ${hold.source} ${hold.lane}`
      const { sinceMs, isNew } = last(`step ${step.step}`, what, nowMs)
      const held = { ...step, hold: { ...hold, sinceMs: reportedMs ?? sinceMs } }
      if (!isNew && told.get(step.step) !== what) {
        told.set(step.step, what)
        observe({ type: 'watermark', ...held })
      }
      return held
    })
    const own = new Set(steps.map(({ id }) => id))
    progress.watermarks = [...(progress.watermarks ?? []).filter(({ step }) => !own.has(step)), ...found]
    const report = { atMs: nowMs, steps: found, ...listed(all.map((each) => each.report)) }
    writeWatermarks(ctx.folder, component.sources[0]!.id, report)
  }
  /** It is only for people to look at: that it cannot be shown stops no run. */
  const lookOrWarn = () => {
    try {
      look()
    } catch (error) {
      if (hasFailed) return
      hasFailed = true
      const message = `what holds its watermark cannot be shown: ${(error as Error).message}`
      observe({ type: 'warning', node: component.sources[0]!.id, message })
    }
  }
  return {
    tick() {
      if (clock.monotonic() - lookedMs < everyMs) return
      lookedMs = clock.monotonic()
      lookOrWarn()
    },
    end: lookOrWarn,
  }
}
