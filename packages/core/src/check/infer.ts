/** The output of a step for its input's type, as inferred by its definition, and the fields that its options name. */
import type { Inference } from '../connector/index.ts'
import type { OptionSchema } from '../connector/options.ts'
import { fieldOf, type RecordType } from '../schema/index.ts'
import { resolveOptions } from '../spec/options.ts'
import { isQuiet, pathText } from '../spec/finding.ts'
import { suggest } from '../spec/suggest.ts'
import type { SpecNode } from '../spec/tree.ts'
import type { CheckedSource, CheckedStep } from './checked.ts'
import { type Checking, guarded } from './context.ts'
import { reportProblems } from './endpoints.ts'

/** Undefined if the step has errors or its inference rejects the input. */
export function inferStep(
  step: CheckedStep,
  input: RecordType,
  sources: readonly CheckedSource[],
  ctx: Checking,
): Inference | undefined {
  const { definition, options, spec } = step
  if (!definition || options === undefined) return undefined
  const sideInputs: [string, RecordType][] = []
  for (const [name, id] of Object.entries(step.sideInputs)) {
    const schema = sources.find((source) => source.id === id)?.schema
    if (!schema) return undefined
    sideInputs.push([name, schema])
  }
  checkFields(spec.config, definition.options, input, spec.configPath, ctx)
  const inference = guarded(ctx, spec.verb.keyPlace, spec.path, `the step \`${spec.verb.key}\``, () =>
    definition.infer(options, { ...ctx.env(step.id), input, sideInputs: Object.fromEntries(sideInputs) }),
  )
  if (!inference) return undefined
  reportProblems(inference.problems, spec.config, spec.configPath, spec.verb.keyPlace, ctx)
  const isTold = inference.output !== undefined || Object.keys(inference.sideOutputs ?? {}).length > 0
  return inference.problems.length > 0 && !isTold ? undefined : inference
}

/** Options of format `field` must name existing fields. */
export function checkFields(
  node: SpecNode,
  schema: OptionSchema,
  input: RecordType,
  path: string,
  ctx: Checking,
): void {
  if (schema.anyOf) {
    const choice = schema.anyOf.find((each) => fits(node, each, ctx))
    if (choice) checkFields(node, choice, input, path, ctx)
  } else if (schema.format === 'field') {
    if (node.kind !== 'scalar' || typeof node.value !== 'string' || fieldOf(input, node.value)) return
    ctx.report('unknown_field', node.place, path, `there is no field \`${node.value}\` here`, {
      hint: suggest(node.value, Object.keys(input.fields)),
    })
  } else if (schema.type === 'array' && node.kind === 'list') {
    for (const [i, item] of node.items.entries()) checkFields(item, schema.items ?? {}, input, `${path}[${i}]`, ctx)
  } else if (schema.type === 'object' && node.kind === 'map') {
    for (const { key, value } of node.entries) {
      const of =
        schema.properties && Object.hasOwn(schema.properties, key)
          ? schema.properties[key]
          : typeof schema.additionalProperties === 'object'
            ? schema.additionalProperties
            : undefined
      if (of) checkFields(value, of, input, pathText(path, [key]), ctx)
    }
  }
}

/** Whether the node resolves against this schema without a finding. */
function fits(node: SpecNode, schema: OptionSchema, ctx: Checking): boolean {
  return isQuiet((report) => resolveOptions(node, schema, '', { ...ctx.resolving, report }))
}
