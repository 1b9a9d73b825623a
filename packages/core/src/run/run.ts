/**
 * Runs a plan: takes the state, opens every sink, finishes what the last save left, and only then reads. A `whole`
 * pipeline that has ended starts again as the next incarnation; one that was interrupted goes on where it was saved.
 *
 * One file: starting, running and ending a run share the state that is taken at its start.
 */
import { type Clock, systemClock } from '../clock.ts'
import { editsOf, editText, refuseEdits, renamedSinks } from '../edits/index.ts'
import { MillraceError } from '../errors/index.ts'
import type { Observer, Progress } from './observe.ts'
import type { Plan } from '../plan/index.ts'
import { canonical, goneAfter, type Gone, type Signature, signatureOf } from '../plan/signature.ts'
import type { Json } from '../record/index.ts'
import type { Registry } from '../registry/index.ts'
import { checkScale } from './rescale.ts'
import { openStore, type SavedRun, type Store, stateFolder } from '../store/index.ts'
import { type Ending, runComponent } from './component.ts'
import { restoreCounters } from './counters.ts'
import { defaultBounds } from './due.ts'
import type { SinkNode, StepNode } from './nodes.ts'
import { finishLeftovers, openSinks } from './opening.ts'
import type { RunOptions } from './options.ts'
import { createReplaying, type Replaying } from './replaying.ts'
import { type Calls, createCalls } from './retry.ts'
import { createShutdown, type Shutdown, withinGrace } from './shutdown.ts'
import { loadSides, sameSide } from './sides.ts'
import { copyOf, summaryOf, type Summary } from './summary.ts'
import { type WiredInstance, instantiate } from './wiring.ts'
import { runWorkers } from './workers.ts'

/**
 * Runs the plan to its end or until the signal, on as many workers as it says. Throws `MillraceError` with the exit
 * code in it.
 */
export function run(plan: Plan, registry: Registry, options: RunOptions): Promise<Summary> {
  if (plan.parallelism === 1 || options.letters) return runInstance(plan, registry, options)
  return runWorkers(
    plan,
    options,
    options.worker ?? ((copy, { shared, ...own }) => runInstance(copy, registry, { ...options, ...own })),
  )
}

/** Runs one copy of the plan in this thread. */
export async function runInstance(plan: Plan, registry: Registry, options: RunOptions): Promise<Summary> {
  try {
    return await runHere(plan, registry, options)
  } catch (error) {
    const { code = 'internal', message, place, hint } = error as Partial<MillraceError> & Error
    options.observe?.({ type: 'failed', code, message, place, hint })
    throw error
  }
}

async function runHere(plan: Plan, registry: Registry, options: RunOptions): Promise<Summary> {
  const clock = options.clock ?? systemClock
  const startedMs = clock.monotonic()
  const at = options.instance ?? { i: 0, n: 1 }
  const stateHome = options.stateDir ?? options.home
  checkScale(stateHome, plan, at.n)
  const instance = instantiate(plan, registry, options)
  const store = openStore(stateFolder(stateHome, plan.name, at))
  try {
    checkScale(stateHome, plan, at.n)
    const taken = takeState(plan, registry, store, options, clock)
    if (taken.over) return overAlready(plan, instance, store, taken, clock)
    const controls = createControls(plan, options, clock, taken)
    const replaying = createReplaying({ plan, registry, options, clock, store, gone: taken.gone })
    const opened: SinkNode[] = []
    try {
      const before = await prepare(plan, instance, store, taken, opened, { ...options, ...controls, clock, at })
      const endings = await runAll(instance, store, {
        ...options,
        ...controls,
        clock,
        at,
        plan,
        replaying,
        taken,
        before,
      })
      const { ended } = await record(plan, store, endings, options)
      controls.observe({ type: 'ended', ended })
      const told = { plan, instance, taken, endings, ended, before, options, replaying, startedMs, clock }
      return summaryOf({ ...told, progress: controls.progress })
    } finally {
      controls.abort.abort()
      controls.shutdown.dispose()
      await closeAll(opened, instance, clock)
    }
  } finally {
    store.close()
  }
}

// --- the state

/** The incarnation that is run, and whether it goes on. */
export interface Taken {
  readonly run: SavedRun
  readonly resumed: boolean
  /** It has saved in an earlier process. */
  readonly hasSaved: boolean
  /** What an edited spec means for it, in words. */
  readonly edits: readonly string[]
  /** Nodes of the state that the spec has no more. */
  readonly gone: Gone
  /** It takes letters into a run that has ended: its counters may be of another graph. */
  readonly intoEnded?: { readonly isEdited: boolean }
  /** This copy has come to its end, and others of its run have not. */
  readonly over?: true
}

/** Begins an incarnation or goes on with one, where the spec may. */
function takeState(plan: Plan, registry: Registry, store: Store, options: RunOptions, clock: Clock): Taken {
  const before = store.run()
  const signature = signatureOf(plan, registry)
  const asJson = signature as unknown as Json
  const isOver = before?.ended === true && plan.runs === 'whole'
  if (isOver && before.incarnation === options.joint?.incarnation)
    return { run: before, resumed: true, hasSaved: true, edits: [], gone: {}, over: true }
  if (options.letters && !before)
    throw new MillraceError('no_state', `${plan.name} has not run yet: there is nothing to replay into`, {
      hint: 'run it first',
      exitCode: 2,
    })
  // A run that has ended is no longer bound to the spec that it ended with.
  if (before && isOver && options.letters) {
    store.takeOver(before.signature, undefined)
    const ended = before.signature as unknown as Signature
    return {
      run: before,
      resumed: true,
      hasSaved: true,
      edits: [],
      gone: goneAfter(ended, signature, renamedSinks(ended.sinks, signature.sinks)),
      intoEnded: { isEdited: canonical(ended) !== canonical(signature) },
    }
  }
  if (!before || isOver)
    return {
      run: store.begin(asJson, clock.now(), options.joint),
      resumed: false,
      hasSaved: false,
      edits: [],
      gone: {},
    }
  const edits = editsOf(plan, registry, before, store)
  refuseEdits(edits, plan, options.resetState === true)
  for (const [from, to] of edits.renames) store.rename(from, to)
  store.discard(edits.discards.steps, edits.discards.sinks)
  const gone = goneAfter(before.signature as unknown as Signature, signature, edits.renames)
  store.takeOver({ ...(asJson as object), gone }, edits.recount ? clock.now() : undefined)
  return {
    run: store.run()!,
    resumed: true,
    hasSaved: before.epoch > 0,
    edits: edits.edits.map((edit) => editText(edit, plan.name)),
    gone,
  }
}

/** The summary of a copy that has nothing left to do. */
function overAlready(plan: Plan, instance: WiredInstance, store: Store, taken: Taken, clock: Clock): Summary {
  for (const { counters } of instance.components) restoreCounters(counters, store.counters())
  const before = copyOf(instance.components)
  const progress = { bytes: 0, totalBytes: 0, complete: true }
  const told = { plan, instance, taken, before, progress, clock, endings: [], ended: true }
  return summaryOf({ ...told, options: {}, startedMs: clock.monotonic() })
}

// --- starting

interface Controls {
  readonly observe: Observer
  readonly stop: AbortSignal
  readonly abort: AbortController
  readonly calls: Calls
  readonly shutdown: Shutdown
  readonly progress: Progress
}

function createControls(plan: Plan, options: RunOptions, clock: Clock, taken: Taken): Controls {
  const observe = options.observe ?? (() => {})
  const stop = options.signal ?? new AbortController().signal
  const abort = new AbortController()
  const known = plan.runs === 'continue' && taken.hasSaved
  const calls = createCalls({ clock, observe, signal: abort.signal, known, isStopping: () => stop.aborted })
  const shutdown = createShutdown({ clock, observe, calls, stop, abort, drainMs: options.drainMs ?? 18_000 })
  return { observe, stop, abort, calls, shutdown, progress: { bytes: 0, totalBytes: 0, complete: false } }
}

type Starting = RunOptions &
  Controls & { readonly clock: Clock; readonly at: { readonly i: number; readonly n: number } }

/** Restores, opens, finishes what was left, loads side inputs. Returns the counters as they were before this run. */
async function prepare(
  plan: Plan,
  instance: WiredInstance,
  store: Store,
  taken: Taken,
  opened: SinkNode[],
  ctx: Starting,
): Promise<Readonly<Record<string, Json>>> {
  const { components } = instance
  const saved = store.counters()
  for (const component of components) {
    restoreCounters(component.counters, saved)
    // No letter comes to the memory of a run that has ended: see refuseIntoEnded.
    if (!taken.intoEnded) for (const step of component.steps) restoreStep(step, store)
  }
  const before = copyOf(components)
  const { shutdown, stop, abort, calls, observe } = ctx
  // Nothing is under way yet that would have to be drained: a stop ends the start at once.
  const signal = AbortSignal.any([stop, abort.signal])
  const whole = plan.runs === 'whole'
  const opening = {
    components,
    store,
    run: taken.run,
    calls,
    signal,
    observe,
    whole,
    instance: ctx.at,
    joined: ctx.joint !== undefined || ctx.at.n === 1,
    existing: ctx.letters ? ('keep' as const) : ctx.existing,
  }
  for (const text of taken.edits) observe({ type: 'warning', node: plan.name, message: text })
  await shutdown.unlessAbandoned(
    (async () => {
      await openSinks(opening, opened)
      await finishLeftovers(opening)
      const warn = (node: string, message: string) => observe({ type: 'warning', node, message })
      const steps = components.flatMap((c) => c.steps)
      await loadSides(steps, instance.sides, plan, signal, warn, sameSide(plan, store, warn))
    })(),
  )
  ctx.progress.bytes = components.flatMap((c) => Object.values(c.counters.sources)).reduce((sum, s) => sum + s.bytes, 0)
  observe({
    type: 'started',
    pipeline: plan.name,
    incarnation: taken.run.incarnation,
    resumed: taken.resumed,
    counters: components.map((c) => c.counters),
    progress: ctx.progress,
  })
  return before
}

function restoreStep({ id, plan, transform }: StepNode, store: Store): void {
  if (!transform.restore) return
  const hash = store.stateHash(id)
  if (hash !== undefined && hash !== plan.stateHash)
    throw new MillraceError('state_changed', `step ${id} has saved memory of another configuration or input`, {
      place: id,
      hint: 'finish the run with the old spec, or start over: pipe state reset PIPELINE',
      exitCode: 2,
    })
  transform.restore(store.saved(id))
}

// --- running

type Running = Starting & { readonly plan: Plan; readonly replaying: Replaying; readonly taken: Taken }

/** Runs all components side by side. Rejects with what the first that failed was stopped by. */
async function runAll(
  instance: WiredInstance,
  store: Store,
  ctx: Running & { readonly before: unknown },
): Promise<Ending[]> {
  const { plan, shutdown, until } = ctx
  const running = instance.components.map((component) =>
    runComponent(component, {
      store,
      clock: ctx.clock,
      calls: ctx.calls,
      whole: plan.runs === 'whole',
      ...(until ? { until } : {}),
      stop: ctx.stop,
      abort: ctx.abort,
      tearDown: shutdown.tearDown,
      observe: ctx.observe,
      progress: ctx.progress,
      instance: ctx.at,
      bounds: { ...defaultBounds, ...ctx.bounds },
      replaying: ctx.replaying,
      onlyReplay: ctx.letters !== undefined,
      intoEnded: ctx.taken.intoEnded !== undefined,
    }),
  )
  const settled = await shutdown.unlessAbandoned(Promise.allSettled(running))
  const failed = settled.find((each) => each.status === 'rejected')
  if (failed) throw failed.reason
  if (shutdown.isOverdue)
    throw new MillraceError('drain_timeout', 'the run did not drain in time and was stopped', {
      hint: 'nothing is lost: run again and it resumes from the last save',
    })
  return settled.map((each) => (each as PromiseFulfilledResult<Ending>).value)
}

/** What is published and done, and the end of the incarnation. */
async function record(
  plan: Plan,
  store: Store,
  endings: readonly Ending[],
  options: RunOptions,
): Promise<{ readonly ended: boolean }> {
  const stages = endings.flatMap((e) => e.done.stages)
  const duties = endings.flatMap((e) => e.done.duties)
  const ended = !options.letters && endings.every((e) => e.ended)
  if (ended && plan.runs === 'whole') store.end(stages, duties)
  else store.recordDone(stages, duties)
  return { ended }
}

async function closeAll(opened: readonly SinkNode[], instance: WiredInstance, clock: Clock): Promise<void> {
  const sources = [...instance.components.flatMap((c) => c.sources), ...instance.sides]
  const all = [...opened.map(({ sink }) => sink), ...sources.map(({ source }) => source)]
  await Promise.all(all.map((each) => withinGrace((async () => each.close?.())(), clock)))
}
