/**
 * Which systems of a pipeline do not answer, for its readiness: those whose calls are being retried, and sinks that
 * have had nothing to do and do not answer when asked. A sink is asked by its `probe`, only when somebody wants to
 * know, and its answer is good for a second. Sources ask their systems all the time.
 */
import { type Clock, systemClock } from '../clock.ts'
import type { OutOfReach } from '../connector/index.ts'
import { hide } from '../errors/index.ts'
import type { Plan, PlanSink } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import { resolveConfig } from '../spec/index.ts'
import type { Observer, Progress } from './observe.ts'
import { isRetryable } from './retry.ts'
import { envOf, type Workspace } from './wiring.ts'

const goodForMs = 1000
/** A system that takes longer to answer is out of reach. */
const probeMs = 2500
/** A call that is retried and neither fails again nor succeeds for so long has been given up: a broker that is gone. */
const forgottenMs = 30_000

/** Knows what is out of reach. */
export interface Contact {
  /** Gets the events of the run. */
  readonly observe: Observer
  /** What does not answer now; settles within about three seconds. */
  outOfReach(): Promise<readonly OutOfReach[]>
}

/** Sinks of one connector with equal options have one system. */
interface System {
  readonly sinks: readonly PlanSink[]
  askedMs: number
  asking?: Promise<void> | undefined
  found?: Omit<OutOfReach, 'node'> | undefined
}

/** Watches the systems of a plan. */
export function createContact(
  plan: Plan,
  registry: Registry,
  workspace: Workspace,
  clock: Clock = systemClock,
): Contact {
  /** Nodes whose calls are being retried; a call that keeps failing says so again and again. */
  const failing = new Map<string, { readonly last: OutOfReach; readonly untilMs: number }>()
  let progress: Pick<Progress, 'answeredMs'> = { answeredMs: {} }
  const all = plan.deadLetter ? [...plan.sinks, plan.deadLetter] : plan.sinks
  const probed = all.filter(({ type }) => registry.sink(type)?.probe)
  const systems = Map.groupBy(probed, ({ type, config }) => JSON.stringify([type, config]))
    .values()
    .map((sinks): System => ({ sinks, askedMs: Number.NEGATIVE_INFINITY }))
    .toArray()
  const answeredMs = ({ sinks }: System): number => Math.max(0, ...sinks.map(({ id }) => progress.answeredMs[id] ?? 0))
  const ask = async (system: System): Promise<void> => {
    const [sink] = system.sinks as [PlanSink]
    const askedMs = (system.askedMs = clock.now())
    const ended = new AbortController()
    const config = resolveConfig(sink.config, workspace.secrets) as never
    const late = Promise.withResolvers<never>()
    const cancel = clock.after(probeMs, () => late.reject(noAnswer))
    let error: unknown
    try {
      const answer = registry.sink(sink.type)!.probe!(config, envOf(plan, workspace, sink.id), ended.signal)
      await Promise.race([answer, late.promise])
    } catch (thrown) {
      error = thrown
    } finally {
      cancel()
      ended.abort()
    }
    // A busy process may be late to hear the answer, and a write that succeeds is one.
    if ((error !== noAnswer && !isRetryable(error)) || answeredMs(system) >= askedMs) system.found = undefined
    else {
      const { code, message } = error as { readonly code: string; readonly message: string }
      const sinceMs = system.found?.sinceMs ?? askedMs
      system.found = { code, message: hide(message), sinceMs }
    }
  }
  return {
    observe(event) {
      if (event.type === 'started') progress = event.progress
      else if (event.type === 'recovered') failing.delete(event.node)
      else if (event.type === 'stalled') {
        const { node, reason, message } = event
        const last = { node, code: reason, message: hide(message), sinceMs: clock.now() }
        failing.set(node, { last, untilMs: Number.POSITIVE_INFINITY })
      } else if (event.type === 'retry') {
        const { node, reason, message, sinceMs, waitMs } = event
        const nowMs = clock.now()
        const last = { node, code: reason, message: hide(message), sinceMs: Math.round(nowMs - sinceMs) }
        failing.set(node, { last, untilMs: nowMs + waitMs + forgottenMs })
      }
    },
    async outOfReach() {
      const nowMs = clock.now()
      for (const [node, { untilMs }] of failing) if (nowMs > untilMs) failing.delete(node)
      const isFailing = (system: System) => system.sinks.some(({ id }) => failing.has(id))
      const lastMs = nowMs - goodForMs
      const refresh = async (system: System): Promise<void> => {
        if (answeredMs(system) >= lastMs) system.found = undefined
        else if (system.askedMs < lastMs) system.asking ??= ask(system).finally(() => void (system.asking = undefined))
        await system.asking
      }
      await Promise.all(systems.filter((system) => !isFailing(system)).map(refresh))
      const asked = systems
        .filter((system) => !isFailing(system))
        .flatMap(({ sinks, found }) => (found ? sinks.map(({ id }) => ({ node: id, ...found })) : []))
      return [...[...failing.values()].map(({ last }) => last), ...asked]
    },
  }
}

const noAnswer = Object.assign(new Error(`no answer within ${probeMs / 1000} s`), { code: 'no_answer' })
