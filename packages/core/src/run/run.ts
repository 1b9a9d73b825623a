/**
 * Runs a plan: opens the state, opens every sink, finishes what the last save left over, and only then reads. A
 * bounded pipeline (`whole`) that has ended starts again as the next incarnation; an interrupted one resumes from its
 * last save.
 *
 * This is one file because starting, running and ending a run share the state that is opened at its start.
 */
import { type Clock, systemClock } from '../clock.ts'
import { editsOf, editText, refuseEdits, renamedSinks } from '../edits/index.ts'
import { MillraceError } from '../errors/index.ts'
import type { Observer, Progress } from './observe.ts'
import type { Plan } from '../plan/index.ts'
import { canonical, goneAfter, type Gone, planned, type Signature, signatureOf } from '../plan/signature.ts'
import type { Json } from '../record/index.ts'
import type { Registry } from '../registry/index.ts'
import { checkScale } from './rescale.ts'
import { openStore, type SavedRun, type Store, stateFolder } from '../store/index.ts'
import { type Ending, runComponent } from './component.ts'
import { type Contact, createContact } from './contact.ts'
import { restoreCounters } from './counters.ts'
import { defaultBounds } from './due.ts'
import type { SinkNode, StepNode } from './nodes.ts'
import { hasUncovered } from './order.ts'
import { finishLeftovers, openSinks } from './opening.ts'
import type { RunOptions } from './options.ts'
import { createReplayInput, type ReplayInput } from './replay-input.ts'
import { type Calls, createCalls } from './retry.ts'
import { createShutdown, type Shutdown, withinGrace } from './shutdown.ts'
import { loadSideInputs, checkSideInput } from './side-inputs.ts'
import { countersById, summaryOf, type Summary } from './summary.ts'
import { type WiredInstance, instantiate } from './wiring.ts'
import { removeWatermarks } from './watermark-file.ts'
import { runWorkers } from './workers.ts'

/**
 * Runs the plan to its end or until the signal, on as many workers as it says. Throws `MillraceError`, which carries
 * the exit code.
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
    const { code = 'internal', message, node, place, hint } = error as Partial<MillraceError> & Error
    options.observe?.({ type: 'failed', code, node, message, place, hint })
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
    removeWatermarks(store.folder)
    const start = startOrResume(plan, registry, store, options, clock)
    if (start.isOver) return summaryOfEnded(plan, instance, store, start, clock)
    const contact = createContact(plan, registry, options, clock)
    const controls = createControls(plan, options, clock, start, contact)
    const replayInput = createReplayInput({ plan, registry, options, clock, store, gone: start.gone })
    const opened: SinkNode[] = []
    try {
      const before = await prepare(plan, instance, store, start, opened, { ...options, ...controls, clock, at })
      const endings = await runAll(instance, store, {
        ...options,
        ...controls,
        clock,
        at,
        plan,
        replayInput,
        start,
        before,
      })
      const { ended } = await recordEnding(plan, store, endings, options)
      controls.observe({ type: 'ended', ended })
      const { progress } = controls
      return summaryOf({
        plan,
        instance,
        start,
        endings,
        ended,
        before,
        options,
        replayInput,
        startedMs,
        clock,
        progress,
      })
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

/** The incarnation to run, and how it starts. */
export interface RunStart {
  readonly run: SavedRun
  readonly resumed: boolean
  /** An earlier process has saved in it. */
  readonly hasSaved: boolean
  /** The effects of an edited spec, in words. */
  readonly edits: readonly string[]
  /** Nodes of the state that the spec no longer has. */
  readonly gone: Gone
  /** By renamed sink: its id before. */
  readonly formerly?: Readonly<Record<string, string>>
  /** Letters are replayed into a run that has ended: its counters may belong to another graph. */
  readonly intoEnded?: { readonly isEdited: boolean }
  /** This copy has ended, while others of its run have not. */
  readonly isOver?: true
}

/** Begins an incarnation, or resumes one if the spec allows it. */
function startOrResume(plan: Plan, registry: Registry, store: Store, options: RunOptions, clock: Clock): RunStart {
  const before = store.run()
  const signature = signatureOf(plan, registry)
  const asJson = signature as unknown as Json
  const isOver = before?.ended === true && plan.runs === 'whole'
  if (isOver && before.incarnation === options.sharedRun?.incarnation)
    return { run: before, resumed: true, hasSaved: true, edits: [], gone: {}, isOver: true }
  if (options.letters && !before)
    throw new MillraceError('no_state', `${plan.name} has not run yet, so there is nothing to replay`, {
      hint: 'run it first',
      exitCode: 2,
    })
  if (options.letters && hasUncovered(store, (entry) => entry.kind !== 'letters'))
    throw new MillraceError(
      'run_interrupted',
      `the last run of ${plan.name} was killed, and may have written results that depend on the order of its input`,
      {
        hint: 'run it first, which repeats that order. Letters can be replayed while it runs',
        exitCode: 2,
      },
    )
  // An ended run does not bind the pipeline to the spec it ended with.
  if (before && isOver && options.letters) {
    store.takeOver(before.signature, undefined)
    const ended = before.signature as unknown as Signature
    return {
      run: before,
      resumed: true,
      hasSaved: true,
      edits: [],
      gone: goneAfter(ended, signature, renamedSinks(ended.sinks, signature.sinks)),
      intoEnded: { isEdited: canonical(planned(ended)) !== canonical(signature) },
    }
  }
  if (!before || isOver)
    return {
      run: store.begin(asJson, clock.now(), options.sharedRun),
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
  const formerly = {
    ...(before.signature as unknown as Signature).formerly,
    ...Object.fromEntries(edits.renames.map(([from, to]) => [to, from])),
  }
  store.takeOver({ ...(asJson as object), gone, formerly }, edits.recount ? clock.now() : undefined)
  return {
    run: store.run()!,
    resumed: true,
    hasSaved: before.epoch > 0,
    edits: edits.edits.map((edit) => editText(edit, plan.name)),
    gone,
    formerly,
  }
}

/** The summary of a copy that has already ended. */
function summaryOfEnded(plan: Plan, instance: WiredInstance, store: Store, start: RunStart, clock: Clock): Summary {
  for (const { counters } of instance.components) restoreCounters(counters, store.counters())
  const before = countersById(instance.components)
  return summaryOf({
    plan,
    instance,
    start,
    before,
    progress: { bytes: 0, totalBytes: 0, complete: true, answeredMs: {} },
    clock,
    endings: [],
    ended: true,
    options: {},
    startedMs: clock.monotonic(),
  })
}

// --- starting

interface Controls {
  readonly observe: Observer
  readonly outOfReach: Contact['outOfReach']
  readonly stop: AbortSignal
  readonly abort: AbortController
  readonly calls: Calls
  readonly shutdown: Shutdown
  readonly progress: Progress
}

function createControls(plan: Plan, options: RunOptions, clock: Clock, start: RunStart, contact: Contact): Controls {
  const observe: Observer = (event) => {
    contact.observe(event)
    options.observe?.(event)
  }
  const stop = options.signal ?? new AbortController().signal
  const abort = new AbortController()
  const hasSavedBefore = plan.runs === 'continue' && start.hasSaved
  const answeredMs: Record<string, number> = {}
  const calls = createCalls({
    clock,
    observe,
    signal: abort.signal,
    answered: (node, nowMs) => void (answeredMs[node] = nowMs),
    hasSavedBefore,
    isStopping: () => stop.aborted,
  })
  const shutdown = createShutdown({ clock, observe, calls, stop, abort, drainMs: options.drainMs ?? 18_000 })
  return {
    observe,
    outOfReach: contact.outOfReach,
    stop,
    abort,
    calls,
    shutdown,
    progress: { bytes: 0, totalBytes: 0, complete: false, answeredMs },
  }
}

type Starting = RunOptions &
  Controls & { readonly clock: Clock; readonly at: { readonly i: number; readonly n: number } }

/** Restores state, opens sinks, finishes leftovers, loads side inputs. Returns the counters from before this run. */
async function prepare(
  plan: Plan,
  instance: WiredInstance,
  store: Store,
  start: RunStart,
  opened: SinkNode[],
  ctx: Starting,
): Promise<Readonly<Record<string, Json>>> {
  const { components } = instance
  const saved = store.counters()
  for (const component of components) {
    restoreCounters(component.counters, saved)
    // No letter reaches the memory of an ended run: see refuseIntoEnded.
    if (!start.intoEnded) for (const step of component.steps) restoreStep(step, store)
  }
  const before = countersById(components)
  const { shutdown, stop, abort, calls, observe } = ctx
  // There is nothing to drain yet: a stop ends the start immediately.
  const signal = AbortSignal.any([stop, abort.signal])
  const whole = plan.runs === 'whole'
  const opening = {
    components,
    store,
    run: start.run,
    formerly: start.formerly ?? {},
    calls,
    signal,
    observe,
    whole,
    instance: ctx.at,
    joined: ctx.sharedRun !== undefined || ctx.at.n === 1,
    existing: ctx.letters ? ('keep' as const) : ctx.existing,
  }
  for (const text of start.edits) observe({ type: 'warning', node: plan.name, message: text })
  await shutdown.unlessAbandoned(
    (async () => {
      await openSinks(opening, opened)
      await finishLeftovers(opening)
      const warn = (node: string, message: string) => observe({ type: 'warning', node, message })
      const steps = components.flatMap((c) => c.steps)
      await loadSideInputs(
        steps,
        instance.sideInputs,
        plan,
        signal,
        warn,
        calls.call,
        checkSideInput(plan, store, warn),
        start.run.beganMs,
      )
    })(),
  )
  ctx.progress.bytes = components.flatMap((c) => Object.values(c.counters.sources)).reduce((sum, s) => sum + s.bytes, 0)
  observe({
    type: 'started',
    pipeline: plan.name,
    incarnation: start.run.incarnation,
    resumed: start.resumed,
    counters: components.map((c) => c.counters),
    before: structuredClone(components.map((c) => c.counters)),
    progress: ctx.progress,
  })
  return before
}

function restoreStep({ id, plan, transform }: StepNode, store: Store): void {
  if (!transform.restore) return
  const hash = store.stateHash(id)
  if (hash !== undefined && hash !== plan.stateHash)
    throw new MillraceError('state_changed', `step ${id} has saved memory of a different configuration or input`, {
      place: id,
      hint: 'finish the run with the old spec, or start over: pipe state reset PIPELINE',
      exitCode: 2,
    })
  transform.restore(store.saved(id))
}

// --- running

type Running = Starting & { readonly plan: Plan; readonly replayInput: ReplayInput; readonly start: RunStart }

/** Runs all components side by side. Rejects with the failure of the first that failed. */
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
      until,
      stop: ctx.stop,
      abort: ctx.abort,
      tearDown: shutdown.tearDown,
      observe: ctx.observe,
      outOfReach: ctx.outOfReach,
      progress: ctx.progress,
      instance: ctx.at,
      bounds: { ...defaultBounds, ...ctx.bounds },
      replayInput: ctx.replayInput,
      onlyReplay: ctx.letters !== undefined,
      intoEnded: ctx.start.intoEnded !== undefined,
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

/** Records what was published and committed, and the end of the incarnation. */
async function recordEnding(
  plan: Plan,
  store: Store,
  endings: readonly Ending[],
  options: RunOptions,
): Promise<{ readonly ended: boolean }> {
  const stages = endings.flatMap((e) => e.done.stages)
  const commitActions = endings.flatMap((e) => e.done.commitActions)
  const ended = !options.letters && endings.every((e) => e.ended)
  if (ended && plan.runs === 'whole') store.end(stages, commitActions)
  else store.markDone(stages, commitActions)
  return { ended }
}

async function closeAll(opened: readonly SinkNode[], instance: WiredInstance, clock: Clock): Promise<void> {
  const sources = [...instance.components.flatMap((c) => c.sources), ...instance.sideInputs]
  const all = [...opened.map(({ sink }) => sink), ...sources.map(({ source }) => source)]
  await Promise.all(all.map((each) => withinGrace((async () => each.close?.())(), clock)))
}
