/**
 * Several pipelines in one go, so that a whole flow is one command. One is downstream of another when it reads what the
 * other writes. Readers start first. With `untilCaughtUp` a pipeline that continues ends when all its upstreams have
 * ended and its sources have come to the end that is there then; bounded ones end by themselves. When one fails, the
 * others drain and stop.
 */
import { systemClock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { resolveConfig } from '../spec/index.ts'
import type { Registry } from '../registry/index.ts'
import type { RunOptions } from './options.ts'
import { run } from './run.ts'
import type { Summary } from './summary.ts'
import { envOf, type Surroundings } from './wiring.ts'

/** How several plans are run. */
export interface ManyOptions extends Omit<RunOptions, 'until' | 'observe'> {
  readonly untilCaughtUp?: boolean
  observe?(pipeline: string, event: Parameters<NonNullable<RunOptions['observe']>>[0]): void
}

/**
 * Runs pipelines side by side. The error of the first that fails is thrown when all have stopped. Asked to stop, those
 * that write stop before those that read what they write: so what is under way between them still finds its reader.
 */
export async function runMany(plans: readonly Plan[], registry: Registry, options: ManyOptions): Promise<Summary[]> {
  const feeds = feedsOf(plans, registry, options)
  refuseEndless(plans, registry, feeds, options)
  const failed = new AbortController()
  const stopped = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal
  const started = new Map(plans.map((p) => [p.name, Promise.withResolvers<void>()]))
  const ended = new Map<string, Promise<Summary>>()
  let failure: unknown
  const runOne = async (plan: Plan): Promise<Summary> => {
    const readers = plans.filter((p) => feeds.get(p.name)!.has(plan.name))
    const upstreams = () => Promise.allSettled([...feeds.get(plan.name)!].map((name) => ended.get(name)!))
    const until = options.untilCaughtUp && plan.runs === 'continue' ? afterTurn(upstreams) : undefined
    await Promise.all(readers.map((p) => started.get(p.name)!.promise))
    if (stopped.aborted)
      throw new MillraceError('stopped', `${plan.name} was not started, since another pipeline failed`)
    return run(plan, registry, {
      ...options,
      signal: stopAfter(stopped, upstreams),
      ...(until ? { until } : {}),
      observe: (event) => {
        if (event.type === 'started') started.get(plan.name)!.resolve()
        options.observe?.(plan.name, event)
      },
    })
  }
  for (const plan of downstreamFirst(plans, feeds)) {
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

/** When all pipelines have been started, so that those they wait for are known. */
const afterTurn = (work: () => Promise<unknown>): Promise<unknown> => systemClock.turn().then(work)

/** How long those that write may take to stop before those that read are told. */
const upstreamMs = 8_000

/** Aborts when `stop` has and the upstreams have ended, or have taken too long. */
function stopAfter(stop: AbortSignal, upstreams: () => Promise<unknown>): AbortSignal {
  const own = new AbortController()
  const onStop = () => {
    const cancel = systemClock.after(upstreamMs, () => own.abort())
    void upstreams().then(() => {
      cancel()
      own.abort()
    })
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  return own.signal
}

/** For each pipeline the names of those that write what it reads. */
export function feedsOf(plans: readonly Plan[], registry: Registry, around: Surroundings): Map<string, Set<string>> {
  const writes = new Map<string, string[]>()
  for (const plan of plans) {
    for (const node of plan.sinks) {
      const definition = registry.sink(node.type)!
      for (const place of definition.writes?.(
        resolveConfig(node.config, around.secrets),
        envOf(plan, around, node.id),
      ) ?? [])
        writes.set(place, [...(writes.get(place) ?? []), plan.name])
    }
  }
  const feeds = new Map(plans.map((p) => [p.name, new Set<string>()]))
  for (const plan of plans) {
    for (const node of plan.sources) {
      const definition = registry.source(node.type)!
      for (const place of definition.reads?.(
        resolveConfig(node.config, around.secrets),
        envOf(plan, around, node.id),
      ) ?? []) {
        for (const writer of writes.get(place) ?? []) if (writer !== plan.name) feeds.get(plan.name)!.add(writer)
      }
    }
  }
  return feeds
}

function refuseEndless(
  plans: readonly Plan[],
  registry: Registry,
  feeds: ReadonlyMap<string, ReadonlySet<string>>,
  options: ManyOptions,
): void {
  if (!options.untilCaughtUp) return
  for (const plan of plans) {
    const listener = plan.sources.find((s) => registry.source(s.type)!.listens)
    if (listener && feeds.get(plan.name)!.size === 0) {
      throw new MillraceError(
        'no_upstream',
        `${plan.name} waits for requests, and no pipeline of this command sends it any: it has no end`,
        {
          place: listener.id,
          hint: 'name the pipeline that posts to it as well, or leave --until caught_up out',
          exitCode: 2,
        },
      )
    }
  }
}

/** Those that read come before those that write. Throws where they feed each other in a circle. */
function downstreamFirst(plans: readonly Plan[], feeds: ReadonlyMap<string, ReadonlySet<string>>): Plan[] {
  const order: Plan[] = []
  const left = new Set(plans)
  while (left.size > 0) {
    const next = [...left].find((plan) => ![...left].some((other) => feeds.get(other.name)!.has(plan.name)))
    if (!next)
      throw new MillraceError('circle', `${[...left].map((p) => p.name).join(', ')} feed each other in a circle`, {
        hint: 'a stream may not be read by a pipeline whose output leads back into it',
        exitCode: 2,
      })
    order.push(next)
    left.delete(next)
  }
  return order
}
