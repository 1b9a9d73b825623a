/** Steps on their own, before their input is known: verb, options, side inputs. */
import type { SideInput, TransformDefinition } from '../connector/index.ts'
import type { Json } from '../record/index.ts'
import { resolveOptions } from '../spec/options.ts'
import { pathText } from '../spec/finding.ts'
import { suggest } from '../spec/suggest.ts'
import type { SpecStep } from '../spec/spec.ts'
import type { Place, ScalarNode, SpecNode } from '../spec/tree.ts'
import type { CheckedSource, CheckedStep } from './checked.ts'
import { type Checking, guarded, optionsOf } from './context.ts'
import { reportProblems } from './endpoints.ts'
import { reportMissing } from './missing.ts'

export interface StepsChecked {
  readonly steps: readonly CheckedStep[]
  /** Sources that steps declare as side inputs. */
  readonly sources: readonly CheckedSource[]
  /** Ids of all sources that are side inputs. */
  readonly sideSources: ReadonlySet<string>
}

export function checkSteps(
  specs: readonly SpecStep[],
  declared: readonly CheckedSource[],
  ctx: Checking,
): StepsChecked {
  const sources: CheckedSource[] = []
  const sideSources = new Set<string>()
  const steps = specs.map((spec): CheckedStep => {
    const definition = ctx.registry.step(spec.verb.key)
    if (!definition) {
      reportMissing('transform', spec.verb.key, spec.verb.keyPlace, spec.path, ctx)
      return { id: spec.id, spec, sideInputs: {} }
    }
    const resolved = resolveStep(spec, definition, ctx)
    if (!resolved) return { id: spec.id, spec, definition, sideInputs: {} }
    const needed = definition.sideInputs
      ? (guarded(ctx, spec.verb.keyPlace, spec.path, `the step \`${spec.verb.key}\``, () =>
          definition.sideInputs!(resolved.options),
        ) ?? {})
      : {}
    const sideInputs: [string, string][] = []
    for (const [name, side] of Object.entries(needed)) {
      const id =
        'source' in side ? sideById(name, side.source, spec, declared, ctx) : sideInline(name, side, spec, sources, ctx)
      if (id === undefined) return { id: spec.id, spec, definition, sideInputs: {} }
      sideInputs.push([name, id])
      sideSources.add(id)
    }
    return { id: spec.id, spec, definition, ...resolved, sideInputs: Object.fromEntries(sideInputs) }
  })
  return { steps, sources, sideSources }
}

function resolveStep(
  spec: SpecStep,
  definition: TransformDefinition,
  ctx: Checking,
): { readonly config: Json; readonly options: unknown } | undefined {
  const errors = ctx.report.errors()
  const config = resolveOptions(spec.config, definition.options, spec.configPath, ctx.resolving)
  if (config === undefined || ctx.report.errors() > errors) return undefined
  const options = optionsOf(config)
  if (definition.check) {
    const problems = guarded(ctx, spec.verb.keyPlace, spec.path, `the step \`${spec.verb.key}\``, () =>
      definition.check!(options, ctx.env(spec.id)),
    )
    reportProblems(problems, spec.config, spec.configPath, spec.verb.keyPlace, ctx)
  }
  return ctx.report.errors() > errors ? undefined : { config, options }
}

function sideById(
  name: string,
  id: string,
  spec: SpecStep,
  declared: readonly CheckedSource[],
  ctx: Checking,
): string | undefined {
  const place = placeOfText(spec.config, id) ?? spec.verb.keyPlace
  const source = declared.find((each) => each.id === id)
  if (!source) {
    ctx.report('unknown_reference', place, pathText(spec.configPath, [name]), `no source has the id \`${id}\``, {
      hint: suggest(
        id,
        declared.map((each) => each.id),
      ),
    })
    return undefined
  }
  if (source.capabilities && !source.capabilities.bounded)
    ctx.report(
      'side_unbounded',
      place,
      pathText(spec.configPath, [name]),
      `\`${id}\` never ends, so it cannot be a side input`,
    )
  return id
}

/** A side input declared in the config of a step becomes a source of the plan, `step.name`. */
function sideInline(
  name: string,
  side: Exclude<SideInput, { source: string }>,
  spec: SpecStep,
  sources: CheckedSource[],
  ctx: Checking,
): string | undefined {
  const place = spec.verb.keyPlace
  const path = spec.configPath
  const definition = ctx.registry.source(side.type)
  if (!definition) {
    reportMissing('source', side.type, place, path, ctx)
    return undefined
  }
  const configNode = nodeOf(side.config, (text) => placeOfText(spec.config, text) ?? place)
  const errors = ctx.report.errors()
  const config = resolveOptions(configNode, definition.options, path, ctx.resolving)
  if (config === undefined || ctx.report.errors() > errors) return undefined
  const id = `${spec.id}.${name}`
  const options = optionsOf(config)
  if (definition.check)
    reportProblems(
      guarded(ctx, place, path, `\`${side.type}\``, () => definition.check!(options, ctx.env(id))),
      configNode,
      path,
      place,
      ctx,
    )
  const capabilities = guarded(ctx, place, path, `source \`${side.type}\``, () => definition.capabilities(options))
  if (!capabilities) return undefined
  if (!capabilities.bounded)
    ctx.report('side_unbounded', place, path, `this source never ends, so it cannot be a side input`)
  sources.push({
    id,
    type: side.type,
    definition,
    configNode,
    config,
    schema: side.schema,
    unknownFields: 'drop',
    capabilities,
  })
  return id
}

/** A plain value as a node; text gets the place that `placeOf` finds. */
function nodeOf(value: unknown, placeOf: (text: string) => Place): SpecNode {
  if (Array.isArray(value))
    return { kind: 'list', place: placeOf(''), items: value.map((item) => nodeOf(item, placeOf)) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    return {
      kind: 'map',
      place: placeOf(''),
      entries: entries.map(([key, each]) => ({ key, keyPlace: placeOf(key), value: nodeOf(each, placeOf) })),
    }
  }
  const text = String(value)
  return { kind: 'scalar', place: placeOf(text), value: value as ScalarNode['value'], text, style: 'plain' }
}

/** Where this text is in a config, as a value or a key. */
export function placeOfText(node: SpecNode, text: string): Place | undefined {
  if (node.kind === 'scalar') return node.text === text ? node.place : undefined
  if (node.kind === 'list') return first(node.items, (item) => placeOfText(item, text))
  return first(
    node.entries,
    (entry) => placeOfText(entry.value, text) ?? (entry.key === text ? entry.keyPlace : undefined),
  )
}

function first<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
