/**
 * Runs several pipelines together, so that a whole flow is one command. A pipeline is downstream of another when it
 * reads what the other writes. Downstream pipelines start first. With `untilCaughtUp` a continuous pipeline ends when
 * all its upstreams have ended and its sources have reached the end their input had then; bounded pipelines end by
 * themselves. When one fails, the others drain and stop.
 */
import { systemClock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { resolveConfig } from '../spec/index.ts'
import type { Registry } from '../registry/index.ts'
import type { RunOptions } from './options.ts'
import { run } from './run.ts'
import type { Summary } from './summary.ts'
import { envOf, type Workspace } from './wiring.ts'

/** How several plans are run. */
export interface RunPipelinesOptions extends Omit<RunOptions, 'until' | 'observe'> {
  readonly untilCaughtUp?: boolean
  observe?(pipeline: string, event: Parameters<NonNullable<RunOptions['observe']>>[0]): void
}

/**
 * Runs pipelines side by side. When all have stopped, throws the error of the first that failed. On a stop, upstreams
 * stop before their downstreams, so that what is in flight between them still finds its reader.
 */
export async function runPipelines(
  plans: readonly Plan[],
  registry: Registry,
  options: RunPipelinesOptions,
): Promise<Summary[]> {
  const upstreams = upstreamsOf(plans, registry, options)
  refuseEndless(plans, registry, upstreams, options)
  const failed = new AbortController()
  const stopped = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal
  const started = new Map(plans.map((p) => [p.name, Promise.withResolvers<void>()]))
  const ended = new Map<string, Promise<Summary>>()
  let failure: unknown
  const runOne = async (plan: Plan): Promise<Summary> => {
    const readers = plans.filter((p) => upstreams.get(p.name)!.has(plan.name))
    const upstreamsEnded = () => Promise.allSettled([...upstreams.get(plan.name)!].map((name) => ended.get(name)!))
    const until = options.untilCaughtUp && plan.runs === 'continue' ? onceAllStarted(upstreamsEnded) : undefined
    await Promise.all(readers.map((p) => started.get(p.name)!.promise))
    if (stopped.aborted)
      throw new MillraceError('stopped', `${plan.name} was not started because another pipeline failed`)
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
  return results.map((r) => (r as PromiseFulfilledResult<Summary>).value)
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

/** For each pipeline, the names of those that write what it reads. */
export function upstreamsOf(
  plans: readonly Plan[],
  registry: Registry,
  workspace: Workspace,
): Map<string, Set<string>> {
  const writes = new Map<string, string[]>()
  for (const plan of plans) {
    for (const node of plan.sinks) {
      const definition = registry.sink(node.type)!
      for (const place of definition.writes?.(
        resolveConfig(node.config, workspace.secrets),
        envOf(plan, workspace, node.id),
      ) ?? [])
        writes.set(place, [...(writes.get(place) ?? []), plan.name])
    }
  }
  const upstreams = new Map(plans.map((p) => [p.name, new Set<string>()]))
  for (const plan of plans) {
    for (const node of plan.sources) {
      const definition = registry.source(node.type)!
      for (const place of definition.reads?.(
        resolveConfig(node.config, workspace.secrets),
        envOf(plan, workspace, node.id),
      ) ?? []) {
        for (const writer of writes.get(place) ?? []) if (writer !== plan.name) upstreams.get(plan.name)!.add(writer)
      }
    }
  }
  return upstreams
}

function refuseEndless(
  plans: readonly Plan[],
  registry: Registry,
  upstreams: ReadonlyMap<string, ReadonlySet<string>>,
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

/** Downstream pipelines come before their upstreams. Throws where pipelines feed each other in a circle. */
function downstreamFirst(plans: readonly Plan[], upstreams: ReadonlyMap<string, ReadonlySet<string>>): Plan[] {
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
