/** Steps by themselves, before anything is known of their input: the verb, its options, and what else they need to read. */
import type { SideInput, TransformDefinition } from '../connector.ts'
import type { OptionSchema } from '../options.ts'
import type { Json } from '../record.ts'
import { resolveOptions } from '../spec/options.ts'
import { pathText } from '../spec/finding.ts'
import { suggest } from '../spec/suggest.ts'
import type { SpecStep } from '../spec/spec.ts'
import { entryOf, type Place, type SpecNode } from '../spec/tree.ts'
import type { CheckedSource, CheckedStep } from './checked.ts'
import { type Checking, guarded, optionsOf } from './context.ts'
import { reportProblems } from './endpoints.ts'
import { reportMissing } from './missing.ts'

export interface StepsChecked {
  readonly steps: readonly CheckedStep[]
  /** Sources that steps declare themselves, as side inputs. */
  readonly sources: readonly CheckedSource[]
  /** Ids of all sources that are read as side inputs. */
  readonly sideSources: ReadonlySet<string>
}

export function checkSteps(specs: readonly SpecStep[], declared: readonly CheckedSource[], ctx: Checking): StepsChecked {
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
    const needed = definition.sides
      ? (guarded(ctx, spec.verb.keyPlace, spec.path, `the step \`${spec.verb.key}\``, () => definition.sides!(resolved.options)) ?? {})
      : {}
    const sideInputs: [string, string][] = []
    for (const [name, side] of Object.entries(needed)) {
      const id = 'source' in side ? sideById(name, side.source, spec, declared, ctx) : sideInline(name, side, spec, sources, ctx)
      if (id === undefined) continue
      sideInputs.push([name, id])
      sideSources.add(id)
    }
    return { id: spec.id, spec, definition, ...resolved, sideInputs: Object.fromEntries(sideInputs) }
  })
  return { steps, sources, sideSources }
}

function resolveStep(spec: SpecStep, definition: TransformDefinition, ctx: Checking): { readonly config: Json; readonly options: unknown } | undefined {
  const errors = ctx.report.errors()
  const config = resolveOptions(spec.config, definition.options as OptionSchema, spec.configPath, ctx.resolving)
  if (config === undefined || ctx.report.errors() > errors) return undefined
  const options = optionsOf(config)
  if (definition.check) {
    const problems = guarded(ctx, spec.verb.keyPlace, spec.path, `the step \`${spec.verb.key}\``, () => definition.check!(options, ctx.env(spec.id)))
    reportProblems(problems, spec.config, spec.configPath, spec.verb.keyPlace, ctx)
  }
  return ctx.report.errors() > errors ? undefined : { config, options }
}

function sideById(name: string, id: string, spec: SpecStep, declared: readonly CheckedSource[], ctx: Checking): string | undefined {
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
    ctx.report('side_unbounded', place, pathText(spec.configPath, [name]), `\`${id}\` never ends, so it cannot be read whole`)
  return id
}

/** A side input that the step declares in its own config becomes a source of the plan, `step.name`. */
function sideInline(name: string, side: Exclude<SideInput, { source: string }>, spec: SpecStep, sources: CheckedSource[], ctx: Checking): string | undefined {
  const at = findSideNode(spec.config, side.type) ?? { node: spec.config, path: [] }
  const path = pathText(spec.configPath, at.path)
  const typePlace = entryOf(at.node, 'type')?.value.place ?? spec.verb.keyPlace
  const definition = ctx.registry.source(side.type)
  if (!definition) {
    reportMissing('source', side.type, typePlace, path, ctx)
    return undefined
  }
  const configNode = entryOf(at.node, 'config')?.value ?? ({ kind: 'map', place: typePlace, entries: [] } satisfies SpecNode)
  const errors = ctx.report.errors()
  const config = resolveOptions(configNode, definition.options as OptionSchema, `${path}.config`, ctx.resolving)
  if (config === undefined || ctx.report.errors() > errors) return undefined
  const id = `${spec.id}.${name}`
  const options = optionsOf(config)
  if (definition.check)
    reportProblems(
      guarded(ctx, typePlace, path, `\`${side.type}\``, () => definition.check!(options, ctx.env(id))),
      configNode,
      `${path}.config`,
      typePlace,
      ctx,
    )
  const capabilities = guarded(ctx, typePlace, path, `source \`${side.type}\``, () => definition.capabilities(options))
  if (!capabilities) return undefined
  if (!capabilities.bounded) ctx.report('side_unbounded', typePlace, path, `this source never ends, so it cannot be read whole`)
  sources.push({ id, type: side.type, definition, configNode, config, schema: side.schema, unknownFields: 'drop', capabilities })
  return id
}

/** The map inside a config that declares a source of this type. */
function findSideNode(
  node: SpecNode,
  type: string,
  path: readonly (string | number)[] = [],
): { node: SpecNode; path: readonly (string | number)[] } | undefined {
  if (node.kind === 'scalar') return undefined
  const word = entryOf(node, 'type')?.value
  if (word?.kind === 'scalar' && word.text === type) return { node, path }
  const children = node.kind === 'map' ? node.entries.map((entry) => [entry.key, entry.value] as const) : node.items.map((item, i) => [i, item] as const)
  for (const [key, child] of children) {
    const found = findSideNode(child, type, [...path, key])
    if (found) return found
  }
  return undefined
}

/** Where a config holds this text, as a value or as a key. */
export function placeOfText(node: SpecNode, text: string): Place | undefined {
  if (node.kind === 'scalar') return node.text === text ? node.place : undefined
  if (node.kind === 'list') return first(node.items, (item) => placeOfText(item, text))
  return first(node.entries, (entry) => placeOfText(entry.value, text) ?? (entry.key === text ? entry.keyPlace : undefined))
}

function first<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
