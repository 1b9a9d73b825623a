/** The summary of a run, for people and programs. */
import type { Clock } from '../clock.ts'
import type { Progress } from './observe.ts'
import type { Plan } from '../plan/index.ts'
import type { Json } from '../record/index.ts'
import type { Ending } from './component.ts'
import { type Counters, imbalances } from './counters.ts'
import type { Component, Policy } from './nodes.ts'
import type { ReplayInput } from './replay-input.ts'
import type { ReplayOutcome } from './replays.ts'
import type { WiredInstance } from './wiring.ts'

/** What a run did. `counters` cover the whole incarnation, across restarts. */
export interface Summary {
  readonly pipeline: string
  readonly incarnation: number
  /** The input has ended; false: the run was stopped and can be resumed. */
  readonly ended: boolean
  /** It was to end when caught up, and has caught up. */
  readonly caughtUp: boolean
  readonly resumed: boolean
  /** When this run began and ended, ms UTC. */
  readonly startedAt: number
  readonly endedAt: number
  readonly durationMs: number
  /** Lag at the end: records available but not read. Absent: no source reports it. */
  readonly behind?: number
  /** When `counters` started, ms UTC: at the beginning of the incarnation, or after an edit of the spec. */
  readonly countedFrom: number
  readonly counters: readonly Counters[]
  /** The counters of this run alone. */
  readonly thisRun: readonly Counters[]
  /** Edges that do not balance, in total and in this run; empty: all do. */
  readonly imbalances: readonly string[]
  /** For a run that only replays dead letters: the outcome of each. */
  readonly replay?: readonly ReplayOutcome[]
}

export interface SummaryContext {
  readonly plan: Plan
  readonly instance: WiredInstance
  readonly start: {
    readonly run: { readonly incarnation: number; readonly countedFromMs: number }
    readonly resumed: boolean
    readonly intoEnded?: { readonly isEdited: boolean }
  }
  readonly endings: readonly Ending[]
  readonly ended: boolean
  readonly before: Readonly<Record<string, Json>>
  readonly options: { readonly until?: unknown; readonly letters?: unknown }
  readonly replayInput?: ReplayInput
  readonly progress: Progress
  readonly startedMs: number
  readonly clock: Clock
}

export function summaryOf(ctx: SummaryContext): Summary {
  const { instance, endings, ended, progress, clock, start, before } = ctx
  const durationMs = clock.monotonic() - ctx.startedMs
  const endedAt = clock.now()
  const thisRun = instance.components.map(({ counters }) => countersSince(counters, before))
  return {
    pipeline: ctx.plan.name,
    incarnation: start.run.incarnation,
    ended,
    caughtUp: ctx.options.until !== undefined && endings.every((e) => e.ended || e.caughtUp),
    resumed: start.resumed,
    startedAt: endedAt - Math.round(durationMs),
    endedAt,
    durationMs,
    behind: progress.behind,
    countedFrom: start.run.countedFromMs,
    counters: instance.components.map((c) => c.counters),
    thisRun,
    imbalances: instance.components.flatMap((component, k) => [
      // The counters of an ended run belong to the edges of its own spec.
      ...(start.intoEnded?.isEdited ? [] : imbalancesOf(component, component.counters)),
      ...imbalancesOf(component, thisRun[k]!).map((what) => `in this run: ${what}`),
    ]),
    replay: ctx.options.letters ? ctx.replayInput?.outcomes : undefined,
  }
}

/** The balance of one component. */
function imbalancesOf({ sources, steps, sinks, deadLetter }: Component, counters: Counters): string[] {
  const edges = [
    ...steps.filter((s) => !s.plan.pushedInto).flatMap((s) => s.plan.from.map((from) => ({ from, to: s.id }))),
    ...sinks.flatMap((s) => s.from.map((from) => ({ from, to: s.id }))),
  ]
  // Under the policy `stop`, only failures of a replay are counted here: they never stop the run.
  const isBuried = ({ policy }: { readonly policy: Policy }) => policy === 'dead_letter' || policy === 'stop'
  const buried = new Set([...sources, ...steps, ...sinks].filter(isBuried).map((n) => n.id))
  return imbalances(counters, edges, buried, deadLetter?.id)
}

/** The current counters of all components, by node. */
export const countersById = (components: readonly Component[]): Readonly<Record<string, Json>> =>
  structuredClone(
    Object.assign({}, ...components.map(({ counters: c }) => ({ ...c.sources, ...c.steps, ...c.sinks }))),
  ) as Readonly<Record<string, Json>>

/** The counters minus `before`. */
function countersSince(counters: Counters, before: Readonly<Record<string, Json>>): Counters {
  const each = <T extends object>(nodes: Record<string, T>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(nodes).map(([id, counts]) => [id, minus(counts as unknown as Json, before[id]) as unknown as T]),
    )
  return { sources: each(counters.sources), steps: each(counters.steps), sinks: each(counters.sinks) }
}

function minus(now: Json, before: Json | undefined): Json {
  if (typeof now === 'number') return now - (typeof before === 'number' ? before : 0)
  if (typeof now !== 'object' || now === null || Array.isArray(now)) return now
  const earlier = (before ?? {}) as Readonly<Record<string, Json>>
  return Object.fromEntries(Object.entries(now).map(([key, value]) => [key, minus(value as Json, earlier[key])]))
}
