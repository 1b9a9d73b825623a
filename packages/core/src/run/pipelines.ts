/**
 * Runs several pipelines together, so that a whole flow is one command. A pipeline is downstream of another when it
 * reads what the other writes. Downstream pipelines start first; one that reads to the end of what another writes
 * starts when that has ended. With `untilCaughtUp` a continuous pipeline ends when all its upstreams have ended and its
 * sources have reached the end their input had then; bounded pipelines end by themselves. When one fails, the others
 * drain and stop.
 */
import { systemClock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import type { RunOptions } from './options.ts'
import { run } from './run.ts'
import type { Summary } from './summary.ts'
import { readsEndless, unfinishedReads, type Upstreams, upstreamsOf } from './upstreams.ts'

/** How several plans are run. */
export interface RunPipelinesOptions extends Omit<RunOptions, 'until' | 'observe'> {
  readonly untilCaughtUp?: boolean
  observe?(pipeline: string, event: Parameters<NonNullable<RunOptions['observe']>>[0]): void
}

/**
 * Runs pipelines side by side. When all have stopped, throws the error of the first that failed. On a stop, those that
 * have not been started are left out, and upstreams stop before their downstreams, so that what is in flight between
 * them still finds its reader.
 */
export async function runPipelines(
  plans: readonly Plan[],
  registry: Registry,
  options: RunPipelinesOptions,
): Promise<Summary[]> {
  const upstreams = upstreamsOf(
    plans.map((plan) => ({ plan, registry })),
    options,
  )
  refuseEndless(plans, registry, upstreams, options)
  refuseUnfinished(plans, upstreams, options)
  const failed = new AbortController()
  const stopped = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal
  const started = new Map(plans.map((p) => [p.name, Promise.withResolvers<void>()]))
  const ended = new Map<string, Promise<Summary | undefined>>()
  let failure: unknown
  const runOne = async (plan: Plan): Promise<Summary | undefined> => {
    const own = upstreams.get(plan.name)!
    const readers = plans.filter((p) => upstreams.get(p.name)!.get(plan.name) === 'along')
    const upstreamsEnded = () => Promise.allSettled([...own.keys()].map((name) => ended.get(name)!))
    const finished = [...own].flatMap(([name, how]) => (how === 'afterwards' ? [name] : []))
    const until = options.untilCaughtUp && plan.runs === 'continue' ? onceAllStarted(upstreamsEnded) : undefined
    // The pipelines are started in one turn, so that all that are waited for are known.
    if (finished.length > 0) await systemClock.turn()
    await Promise.all([
      ...readers.map((p) => started.get(p.name)!.promise),
      ...finished.map((name) => ended.get(name)!.catch(() => {})),
    ])
    if (failed.signal.aborted)
      throw new MillraceError('stopped', `${plan.name} was not started because another pipeline failed`)
    if (stopped.aborted) return undefined
    return run(plan, registry, {
      ...options,
      signal: stopAfter(stopped, upstreamsEnded),
      ...(until ? { until } : {}),
      observe: (event) => {
        if (event.type === 'started') started.get(plan.name)!.resolve()
        options.observe?.(plan.name, event)
      },
    })
  }
  for (const plan of downstreamFirst(plans, upstreams)) {
    ended.set(
      plan.name,
      runOne(plan)
        .catch((error: unknown) => {
          failure ??= error
          failed.abort()
          throw error
        })
        .finally(started.get(plan.name)!.resolve),
    )
  }
  const results = await Promise.allSettled(ended.values())
  if (failure) throw failure
  return results.flatMap((r) => (r as PromiseFulfilledResult<Summary | undefined>).value ?? [])
}

/** Runs `work` once all pipelines have been started, so that the ones it waits for are known. */
const onceAllStarted = (work: () => Promise<unknown>): Promise<unknown> => systemClock.turn().then(work)

/** How long upstreams may take to stop before their downstreams are stopped too. */
const upstreamGraceMs = 8_000

/** Aborts after `stop`, once the upstreams have ended or have taken too long. */
function stopAfter(stop: AbortSignal, upstreamsEnded: () => Promise<unknown>): AbortSignal {
  const own = new AbortController()
  const onStop = () => {
    const cancel = systemClock.after(upstreamGraceMs, () => own.abort())
    void upstreamsEnded().then(() => {
      cancel()
      own.abort()
    })
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  return own.signal
}

function refuseEndless(
  plans: readonly Plan[],
  registry: Registry,
  upstreams: Upstreams,
  options: RunPipelinesOptions,
): void {
  if (!options.untilCaughtUp) return
  for (const plan of plans) {
    const listener = plan.sources.find((s) => registry.source(s.type)!.listens)
    if (listener && upstreams.get(plan.name)!.size === 0) {
      throw new MillraceError(
        'no_upstream',
        `${plan.name} waits for requests, and no pipeline of this command sends any: it would never end`,
        {
          place: listener.id,
          hint: 'also name the pipeline that posts to it, or drop --until caught_up',
          exitCode: 2,
        },
      )
    }
  }
}

/** One that reads to the end of what another writes waits for that end. */
function refuseUnfinished(plans: readonly Plan[], upstreams: Upstreams, options: RunPipelinesOptions): void {
  if (options.untilCaughtUp) return
  for (const [reader, name] of unfinishedReads(plans, upstreams, readsEndless))
    throw new MillraceError(
      'reads_unfinished',
      `${reader} reads to the end of what ${name} writes, but ${name} never ends`,
      {
        hint: 'run them with `--until caught_up`, or one after the other',
        exitCode: 2,
      },
    )
}

/** Downstream pipelines come before their upstreams. Throws where pipelines feed each other in a circle. */
function downstreamFirst(plans: readonly Plan[], upstreams: Upstreams): Plan[] {
  const order: Plan[] = []
  const left = new Set(plans)
  while (left.size > 0) {
    const next = [...left].find((plan) => ![...left].some((other) => upstreams.get(other.name)!.has(plan.name)))
    if (!next)
      throw new MillraceError('circle', `${[...left].map((p) => p.name).join(', ')} feed each other in a circle`, {
        hint: 'a pipeline may not read a stream that its own output leads back into',
        exitCode: 2,
      })
    order.push(next)
    left.delete(next)
  }
  return order
}
