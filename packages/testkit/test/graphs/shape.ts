/** The fields at every point of a graph. */
import {
  type Case,
  type Field,
  isWindowStep,
  type Shape,
  sourceShape,
  type Step,
  type Total,
  type Verb,
} from './case.ts'

/** Whether two records have the same fields of the same types. */
export function sameShape(a: Shape, b: Shape): boolean {
  const names = Object.keys(a)
  const isSame = (name: string) => a[name]!.type === b[name]?.type && !a[name]!.optional === !b[name]!.optional
  return names.length === Object.keys(b).length && names.every(isSame)
}

const totals: Readonly<Record<Total, Field>> = {
  'count()': { type: 'integer' },
  'sum(q)': { type: 'integer' },
  'max(n)': { type: 'integer' },
  'min(n)': { type: 'integer' },
  'max(u)': { type: 'string' },
  'first(n)': { type: 'integer' },
  'last(n)': { type: 'integer' },
}

/** The fields that say which window a result is of. */
export const windowFields = ['window_start', 'window_end'] as const

/** The output type of a step (of each branch for `route`); undefined if its input does not fit. */
export function outputOf(step: Verb, input: Shape): Shape | undefined {
  const has = (...names: readonly string[]) => names.every((name) => input[name])
  const is = (name: string, type: Field['type']) => input[name]?.type === type
  switch (step.verb) {
    case 'where':
      return has(step.test.field) ? input : undefined
    case 'route':
      return step.branches.every(({ test }) => has(test.field)) ? input : undefined
    case 'set': {
      const { field, value } = step
      if ('constant' in value) return { ...input, [field]: { type: 'string' } }
      if ('plus' in value) return has('q') ? { ...input, [field]: { type: 'integer' } } : undefined
      if ('ratio' in value) return has('q') ? { ...input, [field]: { type: 'number' } } : undefined
      if ('whole' in value) return is('c', 'string') ? { ...input, [field]: { type: 'integer' } } : undefined
      return input['k']?.optional ? { ...input, [field]: { type: 'string' } } : undefined
    }
    case 'select':
      if (!step.fields.every(([, from]) => has(from))) return undefined
      return Object.fromEntries(step.fields.map(([to, from]) => [to, input[from]!]))
    case 'drop':
      if (!has(...step.fields)) return undefined
      return Object.fromEntries(Object.entries(input).filter(([name]) => !step.fields.includes(name)))
    case 'split':
      return is('t', 'string') ? { ...input, tags: { type: 'list<string>' } } : undefined
    case 'explode':
      return is('tags', 'list<string>') && !input['item']
        ? { ...input, tags: { type: 'string' }, item: { type: 'integer' } }
        : undefined
    case 'aggregate':
      if (!has('q', 'n', 'u', ...step.by)) return undefined
      return {
        ...Object.fromEntries(step.by.map((name) => [name, input[name]!])),
        ...(step.window ? Object.fromEntries(windowFields.map((name) => [name, { type: 'timestamp' } as const])) : {}),
        ...Object.fromEntries(Object.entries(step.outputs).map(([name, total]) => [name, totals[total]])),
      }
    case 'dedupe':
      return has(...step.by) && step.by.some((name) => input[name]!.optional) === (step.nulls !== undefined)
        ? input
        : undefined
    case 'join':
      if (!is('k', 'string') || input[step.field]) return undefined
      return { ...input, [step.field]: { type: 'string', ...(step.how === 'left' ? { optional: true } : {}) } }
    case 'call':
      if (!is('t', 'string') || !is('q', 'integer')) return undefined
      return step.name === 'twice' ? (input['part'] ? undefined : { ...input, part: { type: 'integer' } }) : input
    case 'parse_dates':
      return is('d', 'string') ? input : undefined
    case 'cast':
      return is('c', 'string') ? { ...input, c: { type: 'integer' } } : undefined
  }
}

/** The names of a step's outputs. */
export const outputsOf = (step: Step): readonly string[] =>
  step.verb === 'route'
    ? [...step.branches.map(({ name }) => name), ...(step.rest === undefined ? [] : [step.rest])]
    : [step.id, ...lateOf(step)]

/** The output for late records, if there is one. */
const lateOf = (step: Step): readonly string[] =>
  isWindowStep(step) && step.window.late !== undefined ? [step.window.late] : []

/** The type of one of a step's outputs. Late records are as they came. */
export const shapeOf = (step: Step, name: string, input: Shape, output: Shape): Shape =>
  lateOf(step).includes(name) ? input : output

/** The type of every output by its name, and of every input as `into <id>`; undefined if something does not fit. */
export function shapesOf(graph: Pick<Case, 'sources' | 'steps' | 'sinks'>): Map<string, Shape> | undefined {
  const shapes = new Map(graph.sources.map(({ id, fields }) => [id, fields ?? sourceShape]))
  const inputs = new Map<string, Shape>()
  for (const node of [...graph.steps, ...graph.sinks]) {
    const read = node.from.map((name) => shapes.get(name))
    const [first] = read
    if (!first || !read.every((each) => each && sameShape(each, first))) return undefined
    inputs.set(node.id, first)
    if (!('verb' in node)) {
      if ('key' in node && node.key !== undefined && ![node.key].flat().every((name) => first[name])) return undefined
      continue
    }
    const output = outputOf(node, first)
    if (!output) return undefined
    for (const name of outputsOf(node)) shapes.set(name, shapeOf(node, name, first, output))
  }
  return new Map([...shapes, ...[...inputs].map(([id, shape]) => [`into ${id}`, shape] as const)])
}
