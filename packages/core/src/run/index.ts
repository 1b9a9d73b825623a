/**
 * Runs a plan: takes the state, opens every sink, publishes what was staged before a crash, records that, and only then reads (invariant 3).
 * A `whole` pipeline that has ended starts anew as the next incarnation; one that was interrupted goes on where it was saved.
 */
import { MillraceError } from '../errors.ts'
import type { Observer, Progress } from '../observe.ts'
import type { Plan } from '../plan.ts'
import type { Registry } from '../registry.ts'
import { checkScale } from '../rescale.ts'
import { openStore, type SavedRun, type Store, stateFolder } from '../store.ts'
import { type Component, type Ending, runComponent } from './component.ts'
import { type Counters, imbalances, restoreCounters } from './counters.ts'
import type { SinkNode, StepNode } from './graph.ts'
import { type Instance, instantiate, type Surroundings } from './instantiate.ts'
import { loadSides, sameSide } from './sides.ts'
import { asRunError, type RetryPolicy, withRetry } from './retry.ts'
import { runWorkers, type StartWorker } from './workers.ts'

/** How a plan is run. */
export interface RunOptions extends Surroundings {
  /** Aborted: drain, save, end. */
  readonly signal?: AbortSignal
  readonly observe?: Observer
  /** What to do with results of an earlier incarnation. */
  readonly existing?: 'stop' | 'replace' | 'keep'
  /** When it resolves, the run ends as soon as every source has come to the end that is there then (`--until caught_up`: at once). */
  readonly until?: Promise<unknown>
  readonly instance?: { readonly i: number; readonly n: number }
  /** How a plan with `parallelism` starts each of its workers; default: all in this thread. */
  readonly worker?: StartWorker
  readonly retry?: RetryPolicy
  readonly bounds?: Parameters<typeof runComponent>[1]['bounds']
  /** How long a stop may drain; default 20 s. */
  readonly drainMs?: number
}

/** What a run did; numbers are those of the whole incarnation, over its restarts. */
export interface Summary {
  readonly pipeline: string
  readonly incarnation: number
  /** The input has ended; false: it was stopped and can go on. */
  readonly ended: boolean
  /** It was to end when it has caught up, and has. */
  readonly caughtUp: boolean
  readonly resumed: boolean
  readonly durationMs: number
  /** Lag at the end: records that were there and were not read. Absent: no source tells. */
  readonly behind?: number
  readonly counters: readonly Counters[]
  /** What does not add up; empty: every edge balances. */
  readonly imbalances: readonly string[]
}

/** Runs the plan to its end or until the signal, on as many workers as it says. Throws `MillraceError` with the exit code in it. */
export function run(plan: Plan, registry: Registry, options: RunOptions): Promise<Summary> {
  if (plan.parallelism === 1) return runInstance(plan, registry, options)
  return runWorkers(
    plan,
    options,
    options.worker ?? ((copy, own) => runInstance(copy, registry, { ...options, ...own })),
  )
}

/** Runs one copy of the plan in this thread. */
export async function runInstance(plan: Plan, registry: Registry, options: RunOptions): Promise<Summary> {
  const startedMs = performance.now()
  const observe = options.observe ?? (() => {})
  const at = options.instance ?? { i: 0, n: 1 }
  checkScale(options.home, plan, at.n)
  const instance = instantiate(plan, registry, options)
  const store = openStore(stateFolder(options.home, plan.name, at))
  const abort = new AbortController()
  const opened: SinkNode[] = []
  try {
    const before = store.run()
    const resumed = before !== undefined && !(before.ended && plan.runs === 'whole')
    const saved = resumed ? before : store.begin(plan.specHash)
    if (resumed) restoreAll(instance, store)
    await openSinks(instance, store, saved, opened, { ...options, abort, observe, at, whole: plan.runs === 'whole' })
    await publishLeftovers(instance, store, abort.signal, options.retry)
    const warn = (node: string, message: string) => observe({ type: 'warning', node, message })
    await loadSides(
      instance.components.flatMap((c) => c.steps),
      instance.sides,
      plan,
      abort.signal,
      warn,
      sameSide(plan, store, warn),
    )
    const counters = instance.components.map((c) => c.counters)
    const progress: Progress = {
      bytes: counters.flatMap((c) => Object.values(c.sources)).reduce((sum, s) => sum + s.bytes, 0),
      totalBytes: 0,
      complete: false,
    }
    observe({ type: 'started', pipeline: plan.name, incarnation: saved.incarnation, resumed, counters, progress })
    const stop = options.signal ?? new AbortController().signal
    const deadline = drainDeadline(stop, abort, options.drainMs ?? 20_000, observe)
    const settled = await Promise.allSettled(
      instance.components.map((component) =>
        runComponent(component, {
          store,
          whole: plan.runs === 'whole',
          ...(options.until ? { until: options.until } : {}),
          stop,
          abort,
          observe,
          progress,
          instance: at,
          ...(options.retry ? { retry: options.retry } : {}),
          ...(options.bounds ? { bounds: options.bounds } : {}),
        }),
      ),
    ).finally(() => clearTimeout(deadline.timer))
    const failed = settled.find((each) => each.status === 'rejected')
    if (failed) throw failed.reason
    const endings = settled.map((each) => (each as PromiseFulfilledResult<Ending>).value)
    if (deadline.passed)
      throw new MillraceError('drain_timeout', 'the run did not drain in time and was stopped', {
        hint: 'nothing is lost: run again and it goes on from the last save',
      })
    const ended = endings.every((e) => e.ended)
    const published = endings.flatMap((e) => e.published)
    if (ended && plan.runs === 'whole') store.end(published)
    else store.recordPublished(published)
    observe({ type: 'ended', ended })
    return {
      pipeline: plan.name,
      incarnation: saved.incarnation,
      ended,
      caughtUp: options.until !== undefined && endings.every((e) => e.ended || e.caughtUp),
      resumed,
      durationMs: performance.now() - startedMs,
      ...(progress.behind === undefined ? {} : { behind: progress.behind }),
      counters,
      imbalances: instance.components.flatMap((c) => imbalancesOf(c)),
    }
  } finally {
    abort.abort()
    await closeAll(opened, instance)
    store.close()
  }
}

/** The balance of one component at its end. */
function imbalancesOf(component: Component): string[] {
  const { sources, steps, sinks, deadLetter } = component
  const edges = [
    ...steps.filter((s) => !s.plan.pushedInto).flatMap((s) => s.plan.from.map((from) => ({ from, to: s.id }))),
    ...sinks.flatMap((s) => s.from.map((from) => ({ from, to: s.id }))),
  ]
  const buried = new Set([...sources, ...steps, ...sinks].filter((n) => n.policy === 'dead_letter').map((n) => n.id))
  return imbalances(component.counters, edges, buried, deadLetter?.id)
}

function restoreAll(instance: Instance, store: Store): void {
  const saved = store.counters()
  for (const component of instance.components) {
    restoreCounters(component.counters, saved)
    for (const step of component.steps) restoreStep(step, store)
  }
}

function restoreStep({ id, plan, transform }: StepNode, store: Store): void {
  if (!transform.restore) return
  const { hash } = store.state(id)
  if (hash !== undefined && hash !== plan.stateHash) {
    throw new MillraceError(
      'state_changed',
      `step ${id} has saved state, but its configuration or its input has changed since`,
      {
        place: id,
        hint: 'finish the run with the old spec, or start anew: pipe state reset',
        exitCode: 2,
      },
    )
  }
  transform.restore(store.saved(id))
}

interface Opening extends RunOptions {
  readonly abort: AbortController
  readonly observe: Observer
  readonly at: { readonly i: number; readonly n: number }
  readonly whole: boolean
}

async function openSinks(
  instance: Instance,
  store: Store,
  saved: SavedRun,
  opened: SinkNode[],
  o: Opening,
): Promise<void> {
  const sinks = instance.components.flatMap((c) => [...c.sinks, ...(c.deadLetter ? [c.deadLetter] : [])])
  for (const node of sinks) {
    opened.push(node)
    const restore = store.resume(node.id)
    const open = () =>
      node.sink.open?.({
        signal: o.abort.signal,
        incarnation: saved.incarnation,
        instance: o.at,
        whole: o.whole,
        start: store.start,
        warn: (message) => o.observe({ type: 'warning', node: node.id, message }),
        ...(restore === undefined ? {} : { restore }),
        ...(o.existing ? { existing: o.existing } : {}),
      })
    await withRetry(
      open,
      o.signal ?? o.abort.signal,
      (e, attempt, waitMs) => o.observe({ type: 'retry', node: node.id, message: e.message, attempt, waitMs }),
      o.retry,
    ).catch((error) => {
      throw asRunError(error, node.id, 'opening', 3)
    })
  }
}

async function publishLeftovers(
  instance: Instance,
  store: Store,
  signal: AbortSignal,
  retry: RetryPolicy | undefined,
): Promise<void> {
  const sinks = new Map(
    instance.components
      .flatMap((c) => [...c.sinks, ...(c.deadLetter ? [c.deadLetter] : [])])
      .map((s) => [s.id, s.sink]),
  )
  const done: number[] = []
  for (const { id, sink, stage } of store.stages()) {
    const publish = sinks.get(sink)?.publish
    if (!publish) {
      throw new MillraceError(
        'stage_left',
        `a finished result of sink ${sink} waits to be published, but the spec has no such sink any more`,
        {
          place: sink,
          hint: 'run once with the old spec, or give the result up: pipe state reset',
          exitCode: 2,
        },
      )
    }
    await withRetry(
      () => publish.call(sinks.get(sink), stage, { signal }),
      signal,
      () => {},
      retry,
    ).catch((error) => {
      throw asRunError(error, sink, 'publishing what was staged before')
    })
    done.push(id)
  }
  store.recordPublished(done)
}

function drainDeadline(
  stop: AbortSignal,
  abort: AbortController,
  ms: number,
  observe: Observer,
): { timer: NodeJS.Timeout | undefined; passed: boolean } {
  const deadline: { timer: NodeJS.Timeout | undefined; passed: boolean } = { timer: undefined, passed: false }
  const begin = () => {
    observe({ type: 'stopping', reason: 'asked to stop: draining' })
    deadline.timer = setTimeout(() => {
      deadline.passed = true
      abort.abort()
    }, ms)
  }
  if (stop.aborted) begin()
  else stop.addEventListener('abort', begin, { once: true })
  return deadline
}

async function closeAll(opened: readonly SinkNode[], instance: Instance): Promise<void> {
  for (const { sink } of opened) await sink.close?.()
  for (const { source } of [...instance.components.flatMap((c) => c.sources), ...instance.sides]) await source.close?.()
}
