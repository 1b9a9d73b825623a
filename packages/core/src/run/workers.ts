/**
 * `parallelism: n` runs complete copies of a pipeline side by side, never stages across threads: moving a row to
 * another thread costs more than parsing it. With P workers, copy k of instance i/n is instance i + n*k of n*P, with
 * the splits, the state folder and the names of that instance. So everything that holds for processes (`--instance`)
 * holds for workers.
 *
 * Decision: docs/decisions/20261121-workers-are-instances.md
 *
 * Decision: docs/decisions/20261130-copies-end-one-run.md
 */
import { randomUUID } from 'node:crypto'
import { systemClock } from '../clock.ts'
import type { Progress, RunEvent } from './observe.ts'
import type { Plan } from '../plan/index.ts'
import type { Json } from '../record/index.ts'
import { readStore, type SavedRun, stateFolder } from '../store/index.ts'
import type { Counters } from './counters.ts'
import { addCounters } from './counters.ts'
import type { SharedRun, RunOptions, StartWorker } from './options.ts'
import type { Summary } from './summary.ts'

/** Runs all copies to their end. When one fails, the others drain and stop, and its error is thrown. */
export async function runWorkers(plan: Plan, options: RunOptions, start: StartWorker): Promise<Summary> {
  const clock = options.clock ?? systemClock
  const startedMs = clock.monotonic()
  const { i, n } = options.instance ?? { i: 0, n: 1 }
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const observe = observeAll(plan.parallelism, options.observe ?? (() => {}))
  const { existing, resetState, drainMs } = options
  const sharedRun = options.instance
    ? undefined
    : (options.sharedRun ?? sharedRunOf(plan, options.stateDir ?? options.home))
  let failure: unknown
  const copies = Array.from({ length: plan.parallelism }, (_, k) =>
    start(plan, {
      instance: { i: i + n * k, n: n * plan.parallelism },
      signal,
      observe,
      shared: { existing, resetState, drainMs, sharedRun },
      until: options.until,
    }).catch((error: unknown) => {
      failure ??= error
      stop.abort()
      throw error
    }),
  )
  const ended = await Promise.allSettled(copies)
  if (failure) throw failure
  const summaries = ended.map((each) => (each as PromiseFulfilledResult<Summary>).value)
  return {
    pipeline: plan.name,
    incarnation: Math.max(...summaries.map((s) => s.incarnation)),
    ended: summaries.every((s) => s.ended),
    caughtUp: summaries.every((s) => s.caughtUp),
    resumed: summaries.some((s) => s.resumed),
    startedAt: Math.min(...summaries.map((s) => s.startedAt)),
    endedAt: Math.max(...summaries.map((s) => s.endedAt)),
    durationMs: clock.monotonic() - startedMs,
    countedFrom: Math.min(...summaries.map((s) => s.countedFrom)),
    behind: summaries.some((s) => s.behind !== undefined)
      ? summaries.reduce((sum, s) => sum + (s.behind ?? 0), 0)
      : undefined,
    counters: sumOfWorkers(summaries.map((s) => s.counters)),
    thisRun: sumOfWorkers(summaries.map((s) => s.thisRun)),
    imbalances: summaries.flatMap((s) => s.imbalances),
  }
}

/**
 * The newest run of the copies, as long as one of them has not finished (or not begun) it; otherwise the next run. So a
 * copy that has finished waits for those that a crash has held up.
 */
export function sharedRunOf(plan: Plan, stateDir: string): SharedRun {
  const copies = savedRuns(plan, stateDir)
  const incarnation = Math.max(0, ...copies.map((copy) => copy?.incarnation ?? 0))
  const newest = copies.find((copy) => copy?.incarnation === incarnation)
  const isOver = copies.every((copy) => copy?.incarnation === incarnation && copy.ended)
  return newest && !(isOver && plan.runs === 'whole')
    ? { incarnation, id: newest.id }
    : { incarnation: incarnation + 1, id: randomUUID() }
}

/** The counters of all workers, added up. */
const sumOfWorkers = (all: readonly (readonly Counters[])[]): Counters[] =>
  all[0]!.map((_, c) =>
    all.reduce<Json>((sum, counters) => addCounters(sum, counters[c] as unknown as Json), {}),
  ) as unknown as Counters[]

/**
 * Merges the events of the workers: `started` once all have started, with the counters of all; `stopping` and `ended`
 * once; everything else as it comes.
 */
function observeAll(workers: number, observe: NonNullable<RunOptions['observe']>): NonNullable<RunOptions['observe']> {
  const started: Extract<RunEvent, { type: 'started' }>[] = []
  let stopping = false
  let ended = 0
  return (event) => {
    if (event.type === 'started') {
      started.push(event)
      if (started.length === workers)
        observe({
          ...event,
          resumed: started.some((s) => s.resumed),
          counters: started.flatMap((s) => s.counters),
          before: started.flatMap((s) => s.before),
          progress: combinedProgress(started.map((s) => s.progress)),
        })
      return
    }
    if (event.type === 'stopping') {
      if (stopping) return
      stopping = true
    }
    if (event.type === 'ended' && ++ended < workers) return
    observe(event)
  }
}

/** The progress of all workers, live. */
const combinedProgress = (parts: readonly Progress[]) => ({
  get bytes() {
    return parts.reduce((sum, p) => sum + p.bytes, 0)
  },
  get totalBytes() {
    return parts.reduce((sum, p) => sum + p.totalBytes, 0)
  },
  get behind() {
    const known = parts.flatMap((p) => p.behind ?? [])
    return known.length ? known.reduce((sum, n) => sum + n, 0) : undefined
  },
  get arrivedMs() {
    const known = parts.flatMap((p) => p.arrivedMs ?? [])
    return known.length ? Math.min(...known) : undefined
  },
  get watermarks() {
    const known = parts.flatMap((p) => p.watermarks ?? [])
    return known.length ? known : undefined
  },
  get answeredMs() {
    const all: Record<string, number> = {}
    for (const [node, ms] of parts.flatMap((p) => Object.entries(p.answeredMs)))
      all[node] = Math.max(ms, all[node] ?? 0)
    return all
  },
  get complete() {
    return parts.every((p) => p.complete)
  },
})

/** Whether all copies of a whole run have ended it, or begun a later one. */
export const hasEnded = (plan: Plan, stateDir: string, { incarnation }: SharedRun): boolean =>
  savedRuns(plan, stateDir).every(
    (saved) => saved && (saved.incarnation > incarnation || (saved.incarnation === incarnation && saved.ended)),
  )

const savedRuns = (plan: Plan, stateDir: string): (SavedRun | undefined)[] =>
  Array.from({ length: plan.parallelism }, (_, i) => {
    const store = readStore(stateFolder(stateDir, plan.name, { i, n: plan.parallelism }))
    try {
      return store?.run()
    } finally {
      store?.close()
    }
  })
