/** Sources and sinks: their connector, and their options merged from connection and spec. */
import type { SinkDefinition, SourceDefinition } from '../connector/index.ts'
import type { Problem } from '../errors/index.ts'
import type { Json } from '../record/index.ts'
import { opened, type RecordType } from '../schema/index.ts'
import { type Binding, bind, type Connections, mergeConfig } from '../spec/connections.ts'
import { resolveOptions } from '../spec/options.ts'
import type { RetryRule } from '../spec/retry.ts'
import type { SpecDeadLetter, SpecEndpoint, SpecSink, SpecSource } from '../spec/spec.ts'
import type { Place, SpecNode } from '../spec/tree.ts'
import type { CheckedSink, CheckedSource } from './checked.ts'
import { type Checking, guarded, optionsOf } from './context.ts'
import { checkEventTime } from './event-time.ts'
import { reportMissing } from './missing.ts'

export function checkSource(spec: SpecSource, connections: Connections, ctx: Checking): CheckedSource {
  const bound = bindEndpoint<SourceDefinition>(spec, 'source', connections, ctx)
  const { definition, options } = bound
  const capabilities =
    definition && options !== undefined
      ? guarded(ctx, spec.place, spec.path, `source \`${bound.type}\``, () => definition.capabilities(options))
      : undefined
  const schema = checkSchema(spec, bound, ctx)
  if (schema && definition?.accepts && options !== undefined)
    reportProblems(
      guarded(ctx, spec.place, spec.path, `source \`${bound.type}\``, () => definition.accepts!(options, schema)),
      bound.configNode,
      `${spec.path}.config`,
      spec.place,
      ctx,
    )
  const eventTime = checkEventTime(spec, schema, ctx)
  return {
    ...bound,
    id: spec.id,
    spec,
    ...(schema ? { schema: spec.unknownFields === 'keep' ? opened(schema) : schema } : {}),
    unknownFields: spec.unknownFields,
    ...(eventTime ? { eventTime } : {}),
    ...(capabilities ? { capabilities } : {}),
  }
}

export function checkSink(spec: SpecSink | SpecDeadLetter, connections: Connections, ctx: Checking): CheckedSink {
  const bound = bindEndpoint<SinkDefinition>(spec, 'sink', connections, ctx)
  const { definition, options } = bound
  const capabilities =
    definition && options !== undefined
      ? guarded(ctx, spec.place, spec.path, `sink \`${bound.type}\``, () => definition.capabilities(options))
      : undefined
  return { ...bound, id: spec.id, spec, ...(capabilities ? { capabilities } : {}) }
}

interface BoundEndpoint<D> {
  /** Empty if neither `type` nor a binding names it. */
  readonly type: string
  readonly connection?: string
  readonly retry?: RetryRule
  readonly definition?: D
  readonly configNode: SpecNode
  readonly config?: Json
  /** As the definition's functions get it. */
  readonly options?: unknown
}

function bindEndpoint<D extends SourceDefinition | SinkDefinition>(
  spec: SpecEndpoint,
  kind: 'source' | 'sink',
  connections: Connections,
  ctx: Checking,
): BoundEndpoint<D> {
  const { report, registry } = ctx
  const binding = spec.connection
    ? bind(ctx.project, connections, spec.connection, `${spec.path}.connection`, report)
    : undefined
  const own = spec.type?.value
  const type = own ? typeWord(own, `${spec.path}.type`, ctx) : (binding?.type ?? '')
  const configPath = `${spec.path}.config`
  const configNode = mergeConfig(spec.config?.value, binding?.config, spec.place, configPath, report)
  const retry = spec.retry ?? binding?.retry
  const base = {
    type,
    configNode,
    connection: spec.connection?.value.kind === 'scalar' ? spec.connection.value.text : undefined,
    retry,
  }
  if (!type) return base
  const definition = (kind === 'source' ? registry.source(type) : registry.sink(type)) as D | undefined
  if (!definition) {
    reportMissing(
      kind,
      type,
      own?.place ?? binding!.typePlace,
      own ? `${spec.path}.type` : `connections.${base.connection}.type`,
      ctx,
    )
    return base
  }
  if (binding?.kind && definition.serves && !definition.serves.includes(binding.kind)) {
    const message = `the connection \`${base.connection}\` is of kind ${binding.kind}, but \`${type}\` supports ${definition.serves.join(', ')}`
    report('wrong_kind', spec.connection!.value.place, `${spec.path}.connection`, message)
  }
  const config = resolveConfigNode(configNode, definition, binding, spec, configPath, ctx)
  return config === undefined ? { ...base, definition } : { ...base, definition, ...config }
}

/** The word after `type:`. YAML reads `null` as no value, but here it is the name of a sink. */
function typeWord(node: SpecNode, path: string, ctx: Checking): string {
  if (node.kind === 'scalar' && node.broken) return ''
  if (node.kind === 'scalar' && (typeof node.value === 'string' || node.text === 'null')) return node.text
  ctx.report('wrong_type', node.place, path, 'the type is the name of a connector', { expected: 'text' })
  return ''
}

/** The options resolved, and the findings of the definition's own check. Undefined if they have errors. */
function resolveConfigNode(
  node: SpecNode,
  definition: SourceDefinition | SinkDefinition,
  binding: Binding | undefined,
  spec: SpecEndpoint,
  path: string,
  ctx: Checking,
) {
  const errors = ctx.report.errors()
  const resolved = resolveOptions(node, definition.options, path, ctx.resolving)
  if (resolved === undefined || ctx.report.errors() > errors) return undefined
  const config = binding ? renamed(resolved, binding.names) : resolved
  const options = optionsOf(config)
  if (definition.check)
    reportProblems(
      guarded(ctx, spec.place, spec.path, `\`${definition.type}\``, () => definition.check!(options, ctx.env(spec.id))),
      node,
      path,
      spec.place,
      ctx,
    )
  return ctx.report.errors() > errors ? undefined : { config, options }
}

/** Problems of a definition, at their places in the config; one about a whole map or list at `whole`. */
export function reportProblems(
  problems: readonly Problem[] | undefined,
  node: SpecNode,
  path: string,
  whole: Place,
  ctx: Checking,
): void {
  for (const problem of problems ?? []) {
    if (problem.at.length > 0 || node.kind === 'scalar') ctx.report.problem(problem, node, path)
    else ctx.report.problem(problem, { kind: 'map', place: whole, entries: [] }, path)
  }
}

/** The options by which connectors of a kind name things in the system. */
const namingOptions = ['stream', 'collection', 'table', 'path']

function renamed(config: Json, names: Readonly<Record<string, string>>): Json {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return config
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      namingOptions.includes(key) && typeof value === 'string' && Object.hasOwn(names, value) ? names[value]! : value,
    ]),
  )
}

function checkSchema(spec: SpecSource, bound: BoundEndpoint<SourceDefinition>, ctx: Checking): RecordType | undefined {
  if (spec.schema)
    return resolveOptions(spec.schema.value, { format: 'record' }, `${spec.path}.schema`, ctx.resolving) as
      | RecordType
      | undefined
  const config = bound.config as { readonly path?: unknown } | undefined
  const file = typeof config?.path === 'string' ? config.path : 'FILE'
  ctx.report('schema_missing', spec.place, spec.path, `the source \`${spec.id}\` has no schema`, {
    hint: `\`pipe schema infer ${file}\` prints one, or write \`schema: { fields: { name: type } }\``,
  })
  return undefined
}
