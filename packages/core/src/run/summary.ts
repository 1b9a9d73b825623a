/** What a run did, for people and programs. */
import type { Clock } from '../clock.ts'
import type { Progress } from './observe.ts'
import type { Plan } from '../plan/index.ts'
import type { Json } from '../record/index.ts'
import type { Ending } from './component.ts'
import { type Counters, imbalances } from './counters.ts'
import type { Component, Policy } from './nodes.ts'
import type { Replaying } from './replaying.ts'
import type { ReplayOutcome } from './replays.ts'
import type { Instance } from './wiring.ts'

/** What a run did; `counters` are those of the whole incarnation, over its restarts. */
export interface Summary {
  readonly pipeline: string
  readonly incarnation: number
  /** The input has ended; false: it was stopped and can go on. */
  readonly ended: boolean
  /** It was to end when it has caught up, and has. */
  readonly caughtUp: boolean
  readonly resumed: boolean
  /** When this run began and ended, ms UTC. */
  readonly startedAt: number
  readonly endedAt: number
  readonly durationMs: number
  /** Lag at the end: records that were there and were not read. Absent: no source tells. */
  readonly behind?: number
  /** Since when `counters` count, ms UTC: the beginning of the incarnation, or an edit of the spec. */
  readonly countedFrom: number
  readonly counters: readonly Counters[]
  /** Of this run alone. */
  readonly thisRun: readonly Counters[]
  /** What does not add up, over all and in this run; empty: every edge balances. */
  readonly imbalances: readonly string[]
  /** Of a run that only takes dead letters: what became of each. */
  readonly replay?: readonly ReplayOutcome[]
}

export interface SummaryContext {
  readonly plan: Plan
  readonly instance: Instance
  readonly taken: {
    readonly run: { readonly incarnation: number; readonly countedFromMs: number }
    readonly resumed: boolean
    readonly intoEnded?: { readonly isEdited: boolean }
  }
  readonly endings: readonly Ending[]
  readonly ended: boolean
  readonly before: Readonly<Record<string, Json>>
  readonly options: { readonly until?: unknown; readonly letters?: unknown }
  readonly replaying?: Replaying
  readonly progress: Progress
  readonly startedMs: number
  readonly clock: Clock
}

export function summaryOf(ctx: SummaryContext): Summary {
  const { instance, endings, ended, progress, clock, taken, before } = ctx
  const durationMs = clock.monotonic() - ctx.startedMs
  const endedAt = clock.now()
  const thisRun = instance.components.map(({ counters }) => since(counters, before))
  return {
    pipeline: ctx.plan.name,
    incarnation: taken.run.incarnation,
    ended,
    caughtUp: ctx.options.until !== undefined && endings.every((e) => e.ended || e.caughtUp),
    resumed: taken.resumed,
    startedAt: endedAt - Math.round(durationMs),
    endedAt,
    durationMs,
    ...(progress.behind === undefined ? {} : { behind: progress.behind }),
    countedFrom: taken.run.countedFromMs,
    counters: instance.components.map((c) => c.counters),
    thisRun,
    imbalances: instance.components.flatMap((component, k) => [
      // What an ended run has counted was along the edges of its own spec.
      ...(taken.intoEnded?.isEdited ? [] : imbalancesOf(component, component.counters)),
      ...imbalancesOf(component, thisRun[k]!).map((what) => `in this run: ${what}`),
    ]),
    ...(ctx.options.letters && ctx.replaying ? { replay: ctx.replaying.outcomes } : {}),
  }
}

/** The balance of one component. */
function imbalancesOf({ sources, steps, sinks, deadLetter }: Component, counters: Counters): string[] {
  const edges = [
    ...steps.filter((s) => !s.plan.pushedInto).flatMap((s) => s.plan.from.map((from) => ({ from, to: s.id }))),
    ...sinks.flatMap((s) => s.from.map((from) => ({ from, to: s.id }))),
  ]
  // Where bad records stop the run, only those of a replay have failed: they never stop it.
  const isBuried = ({ policy }: { readonly policy: Policy }) => policy === 'dead_letter' || policy === 'stop'
  const buried = new Set([...sources, ...steps, ...sinks].filter(isBuried).map((n) => n.id))
  return imbalances(counters, edges, buried, deadLetter?.id)
}

/** Counters of all components by node, as they are now. */
export const copyOf = (components: readonly Component[]): Readonly<Record<string, Json>> =>
  structuredClone(
    Object.assign({}, ...components.map(({ counters: c }) => ({ ...c.sources, ...c.steps, ...c.sinks }))),
  ) as Readonly<Record<string, Json>>

/** What was counted since. */
function since(counters: Counters, before: Readonly<Record<string, Json>>): Counters {
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
