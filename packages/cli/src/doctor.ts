/**
 * Connects to what pipelines name, through each connector's own `probe`, and reports what it finds or what is wrong.
 * Uses with equal options are one connection; all are tried concurrently, each with a deadline, since a driver may wait
 * forever. Nothing is written.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  envOf,
  type Plan,
  type PlanSink,
  type PlanSource,
  placeOfConnection,
  resolveConfig,
  SystemError,
} from '@millrace/core'
import { configText } from './print/plan.ts'
import type { Opened } from './spec.ts'

/** A pipeline's part that uses a connection. */
export interface Use {
  readonly pipeline: string
  readonly id: string
  readonly kind: 'source' | 'sink'
}

/** What pipelines connect to. */
export interface Connection {
  /** Its name; absent: the spec names the connector itself. */
  readonly connection?: string
  readonly type: string
  /** Options as in a spec; secrets as references. */
  readonly config: string
  /** Where it is bound, or the spec. */
  readonly place: string
  readonly uses: readonly Use[]
}

/** The result of one connection. */
export interface Diagnosis extends Connection {
  /** `untried`: its connector connects to nothing, or has no `probe`. */
  readonly state: 'ok' | 'failed' | 'untried'
  /** What it found. */
  readonly found?: string
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
}

interface Target {
  readonly node: PlanSource | PlanSink
  readonly kind: 'source' | 'sink'
  readonly opened: Opened
  readonly uses: Use[]
}

/** Diagnoses of everything that the plans name, in their order. Never rejects because of what a connector does. */
export function diagnose(
  opened: readonly Opened[],
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<Diagnosis[]> {
  return Promise.all(targetsOf(opened).map((target) => tryOne(target, options)))
}

/** Everything that the plans name, in their order. Connects to nothing. */
export const connectionsOf = (opened: readonly Opened[]): Connection[] => targetsOf(opened).map(aboutOf)

function targetsOf(opened: readonly Opened[]): Target[] {
  const targets = new Map<string, Target>()
  for (const each of opened) {
    for (const { node, kind } of nodesOf(each.plan)) {
      const use = { pipeline: each.plan.name, id: node.id, kind }
      const key = JSON.stringify([kind, node.type, node.connection, node.config])
      const known = targets.get(key)
      if (known) known.uses.push(use)
      else targets.set(key, { node, kind, opened: each, uses: [use] })
    }
  }
  return [...targets.values()]
}

function nodesOf(plan: Plan): { readonly node: PlanSource | PlanSink; readonly kind: 'source' | 'sink' }[] {
  const sinks = plan.deadLetter ? [...plan.sinks, plan.deadLetter] : plan.sinks
  return [
    ...plan.sources.map((node) => ({ node, kind: 'source' as const })),
    ...sinks.map((node) => ({ node, kind: 'sink' as const })),
  ]
}

const definitionOf = ({ node, kind, opened: { registry } }: Target) =>
  kind === 'source' ? registry.source(node.type)! : registry.sink(node.type)!

function aboutOf(target: Target): Connection {
  const { node, uses } = target
  const { project } = target.opened
  return {
    connection: node.connection,
    type: node.type,
    config: configText(node.config, definitionOf(target).options),
    place: (node.connection === undefined ? undefined : placeOfConnection(project, node.connection)) ?? project.file,
    uses,
  }
}

async function tryOne(
  target: Target,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Diagnosis> {
  const { node } = target
  const { plan, workspace } = target.opened
  const definition = definitionOf(target)
  const about = aboutOf(target)
  if (!definition.probe) return { ...about, state: 'untried' }
  const ended = new AbortController()
  const within = AbortSignal.any([signal, ended.signal])
  const late = sleep(timeoutMs, undefined, { signal: within }).then(() => {
    throw new SystemError('no_answer', `no answer within ${timeoutMs / 1000} s`, {
      hint: 'is the address right and reachable from here? --timeout waits longer',
    })
  })
  try {
    const probed = definition.probe(
      resolveConfig(node.config, workspace.secrets) as never,
      envOf(plan, workspace, node.id),
      within,
    )
    return { ...about, state: 'ok', found: await Promise.race([probed, late]) }
  } catch (error) {
    return { ...about, state: 'failed', error: errorJson(error) }
  } finally {
    ended.abort()
    late.catch(() => {})
  }
}

function errorJson(error: unknown): { readonly code: string; readonly message: string; readonly hint?: string } {
  const { code, message, hint } = error as {
    readonly code?: unknown
    readonly message?: unknown
    readonly hint?: unknown
  }
  return {
    code: typeof code === 'string' ? code : 'internal',
    message: typeof message === 'string' ? message : String(error),
    hint: typeof hint === 'string' ? hint : undefined,
  }
}
