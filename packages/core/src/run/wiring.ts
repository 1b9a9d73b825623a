/** Creates every connector and step of a plan, with its options resolved. No I/O. */
import { join } from 'node:path'
import type { Env, EventTime, SourceContext, Transform } from '../connector/index.ts'
import { deadLetterSchema } from '../connector/dead-letter.ts'
import { MillraceError } from '../errors/index.ts'
import { type Plan, type PlanNode, type PlanSink, type PlanSource, type PlanStep } from '../plan/index.ts'
import { type Secrets, resolveConfig } from '../spec/index.ts'
import type { Registry } from '../registry/index.ts'
import { defaultRetry } from '../spec/retry.ts'
import type { Field, RecordType } from '../schema/index.ts'
import { type Counters, sinkCounters, sourceCounters, stepCounters } from './counters.ts'
import type { Component, Policy, SinkNode, SourceNode, StepNode } from './nodes.ts'
import { type TimeReader, timeReader } from './event-time.ts'
import { Queue } from './queue.ts'

/** Where a plan runs. */
export interface Workspace {
  readonly root: string
  /** `<root>/.millrace/<profile>` */
  readonly home: string
  readonly secrets: Secrets
  /** The folder for the state of pipelines; default: `home`. */
  readonly stateDir?: string
}

/** The created plan. Sources that are side inputs are kept apart. */
export interface WiredInstance {
  readonly components: readonly Component[]
  readonly sideInputs: readonly SourceNode[]
}

/** The environment of a connector or step of the plan. */
export function envOf(plan: Plan, workspace: Workspace, id: string): Env {
  return {
    root: workspace.root,
    home: workspace.home,
    profile: plan.profile,
    pipeline: plan.name,
    id,
    resolve: (path) => (path.startsWith('/') ? path : join(workspace.root, path)),
  }
}

/** Creates a source of the plan. */
export function createSource(plan: Plan, node: PlanSource, registry: Registry, workspace: Workspace): SourceNode {
  const definition = registry.source(node.type)!
  const env = {
    ...envOf(plan, workspace, node.id),
    schema: node.schema,
    unknownFields: node.unknownFields,
    ...(node.push ? { push: node.push } : {}),
    ...(node.answer?.from !== undefined && node.answer.from !== node.id ? { answer: answerType(plan, node) } : {}),
  }
  const config = resolveConfig(node.config, workspace.secrets)
  return {
    id: node.id,
    source: definition.create(config, env),
    capabilities: node.capabilities,
    policy: node.onError,
    pushed: node.pushed,
    ...connectorOf(node),
    type: node.output,
    ...(node.eventTime ? { eventTime: node.eventTime } : {}),
    ...(node.eventTime?.field === undefined || !node.schema.fields[node.eventTime.field]
      ? {}
      : { time: readsTime(node, node.eventTime, registry, env, config) }),
    ...(node.answer ? { answer: { from: node.answer.from, partial: node.answer.partial } } : {}),
    count: sourceCounters(),
  }
}

/** Reads the event time of a source's records: from their rows, and of bad ones from their bytes. */
function readsTime(
  node: PlanSource,
  time: EventTime,
  registry: Registry,
  env: SourceContext,
  config: unknown,
): TimeReader {
  const { schema, push } = node
  const field = time.field!
  const column = push?.columns.find((each) => each.from === field && !each.date)?.name ?? field
  const definition = registry.source(node.type)!
  if (!definition.decoder) return timeReader(time, column, schema, undefined)
  // All other fields are there, since the order of columns may matter, but whatever is in them is no problem. In some
  // formats everything is text, in others JSON. A field that the options name may be one that the source itself fills,
  // which has to be of its own type.
  const named = new Set<unknown>(Object.values(config as object))
  const loose = [
    { kind: 'string', keepsNamed: false },
    { kind: 'json', keepsNamed: false },
    { kind: 'json', keepsNamed: true },
  ] as const
  const decoders = loose.flatMap(({ kind, keepsNamed }) => {
    const fields = Object.entries(schema.fields).map(([name, own]): [string, Field] => {
      if (name === field) return [name, own]
      return [name, { type: keepsNamed && named.has(name) ? own.type : { kind }, optional: true }]
    })
    const only = {
      ...env,
      push: undefined,
      schema: { fields: Object.fromEntries(fields) },
      unknownFields: 'drop' as const,
    }
    try {
      return [definition.decoder!(config as never, only)]
    } catch (error) {
      if (keepsNamed || !(error instanceof MillraceError)) throw error
      return []
    }
  })
  return timeReader(time, column, schema, (bytes, context, beside) => {
    for (const decode of decoders.slice(0, -1)) {
      try {
        return decode(bytes, context, beside)
      } catch {}
    }
    return decoders.at(-1)!(bytes, context, beside)
  })
}

/** The type of the rows that a source's answers return. */
export function answerType(plan: Plan, source: PlanSource): RecordType {
  const from = source.answer?.from
  const owner = plan.steps.find((s) => s.id === from || (from !== undefined && s.sideOutputs[from]))
  return (owner?.id === from ? owner?.output : owner?.sideOutputs[from!]) ?? source.output
}

function createSink(plan: Plan, node: PlanSink, policy: Policy, registry: Registry, workspace: Workspace): SinkNode {
  const definition = registry.sink(node.type)!
  return {
    id: node.id,
    ...connectorOf(node),
    from: node.from,
    namedFrom: node.namedFrom,
    type: node.input,
    sink: definition.create(resolveConfig(node.config, workspace.secrets), {
      ...envOf(plan, workspace, node.id),
      schema: node.input,
    }),
    capabilities: node.capabilities,
    policy,
    queue: new Queue(),
    count: sinkCounters(),
  }
}

const connectorOf = (node: PlanNode) => ({ package: node.package, retry: node.retry ?? defaultRetry })

/** Creates a step, with empty memory. Throws `unexpected` for a stateful step whose memory could not be saved. */
export function createTransform(plan: Plan, node: PlanStep, registry: Registry, workspace: Workspace): Transform {
  const inputs = Object.entries(node.sideInputs)
  const transform = registry.step(node.type)!.create(resolveConfig(node.config, workspace.secrets), {
    ...envOf(plan, workspace, node.id),
    input: node.input,
    sideInputs: Object.fromEntries(inputs.map(([side, id]) => [side, plan.sources.find((s) => s.id === id)!.output])),
    partitionedBy: node.partitionedBy,
    times: node.times,
  })
  const missing = (['restore', 'takeChanges'] as const).find((method) => !transform[method])
  if (node.stateful && missing)
    throw new MillraceError('unexpected', `the step declares that it is stateful, but has no \`${missing}\``, {
      place: `${node.id}, starting`,
      hint: `its memory would be lost at a restart: report it to the author of ${node.package}`,
    })
  return transform
}

export const createSteps = (plan: Plan, registry: Registry, workspace: Workspace): StepNode[] =>
  plan.steps.map((node) => ({
    id: node.id,
    plan: node,
    transform: createTransform(plan, node, registry, workspace),
    policy: node.onError,
    count: stepCounters(),
  }))

export function instantiate(plan: Plan, registry: Registry, workspace: Workspace): WiredInstance {
  const sources = plan.sources.map((node) => ({ node, made: createSource(plan, node, registry, workspace) }))
  const steps = createSteps(plan, registry, workspace)
  const sinks = plan.sinks.map((node) => createSink(plan, node, plan.onError, registry, workspace))
  const groups = connectedParts(plan)
  const components = groups.map((ids, k): Component => {
    const own = {
      sources: sources.filter(({ node }) => !node.side && ids.has(node.id)).map(({ made }) => made),
      steps: steps.filter((s) => ids.has(s.id)),
      sinks: sinks.filter((s) => ids.has(s.id)),
    }
    const letters = plan.deadLetter && {
      ...plan.deadLetter,
      id: groups.length > 1 ? `${plan.deadLetter.id}_${k + 1}` : plan.deadLetter.id,
      input: deadLetterSchema,
    }
    const deadLetter = letters && createSink(plan, letters, 'stop', registry, workspace)
    const counters: Counters = {
      sources: Object.fromEntries(own.sources.map((n) => [n.id, n.count])),
      steps: Object.fromEntries(own.steps.map((n) => [n.id, n.count])),
      sinks: Object.fromEntries([...own.sinks, ...(deadLetter ? [deadLetter] : [])].map((n) => [n.id, n.count])),
    }
    const stopAbove = plan.deadLetter?.stopAbove
    return {
      pipeline: plan.name,
      specHash: plan.specHash,
      ...own,
      counters,
      ...(deadLetter ? { deadLetter } : {}),
      ...(stopAbove === undefined ? {} : { stopAbove }),
    }
  })
  return { components, sideInputs: sources.filter(({ node }) => node.side).map(({ made }) => made) }
}

/** The ids of each connected part of the graph. */
function connectedParts(plan: Plan): Set<string>[] {
  const owner = new Map<string, string>()
  for (const step of plan.steps) for (const name of Object.keys(step.sideOutputs)) owner.set(name, step.id)
  const groups: Set<string>[] = []
  const joinAll = (ids: readonly string[]) => {
    const touched = groups.filter((g) => ids.some((id) => g.has(id)))
    const merged = new Set([...touched.flatMap((g) => [...g]), ...ids])
    for (const g of touched) groups.splice(groups.indexOf(g), 1)
    groups.push(merged)
  }
  for (const source of plan.sources) if (!source.side) joinAll([source.id])
  for (const node of [...plan.steps, ...plan.sinks])
    joinAll([node.id, ...node.from.map((name) => owner.get(name) ?? name)])
  return groups
}
