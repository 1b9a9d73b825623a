/**
 * Aggregates: outputs such as `sum(Quantity * UnitPrice) / count()`. Each aggregate in an output becomes a slot with an
 * accumulator over the records of a group; the rest of the output is an ordinary expression whose fields are the slots.
 * Equal aggregates share a slot. Adding a record evaluates all arguments before any slot changes, so a record with a
 * data error leaves the group unchanged.
 */
import { closest } from '../../errors/closest.ts'
import { codegenAllowed } from '../../codegen.ts'
import { fieldOf, type RecordType } from '../../schema/index.ts'
import { check } from '../check/check.ts'
import { describe, type Node } from '../check/typed.ts'
import { tokens } from '../read/lexer.ts'
import { parseExpression } from '../read/parser.ts'
import type { ExpressionProblem } from '../read/problem.ts'
import { replaceParts, type Syntax } from '../read/syntax.ts'
import { type Accumulator, avg, count, countOf, endOf, extremeOf, sum } from './accumulators.ts'
import { type AggregateType, type Aggregation, aggregation, type Slot } from './aggregation.ts'
import { approximateDistinct } from './approximate.ts'
import { distinct } from './distinct.ts'
import { aggregateNames } from './functions.ts'

export type { Aggregation, AggregateState, StatePieces } from './aggregation.ts'

/** A problem of an aggregation. */
export interface AggregationProblems {
  readonly ok: false
  readonly problems: readonly (ExpressionProblem & { readonly output: string })[]
}

type Outputs = Readonly<Record<string, string>>

/** Checks the outputs of an `aggregate` against its input type, and compiles them. Never throws, whatever the text. */
export const compileAggregates = (outputs: Outputs, input: RecordType): Aggregation | AggregationProblems =>
  build(outputs, input, codegenAllowed)

/** The same without generated code. */
export const interpretAggregates = (outputs: Outputs, input: RecordType): Aggregation | AggregationProblems =>
  build(outputs, input, false)

function build(outputs: Outputs, input: RecordType, generate: boolean): Aggregation | AggregationProblems {
  const slots = new Map<string, Slot>()
  const fields = new Set<string>()
  const problems: (ExpressionProblem & { output: string })[] = []
  const results: AggregateType[] = []
  for (const [output, text] of Object.entries(outputs)) {
    const report = (problem: ExpressionProblem) => problems.push({ ...problem, output })
    const before = problems.length
    const syntax = parseExpression(text)
    if ('code' in syntax) {
      report(syntax)
      continue
    }
    const around = replaceParts(syntax, (part) => slotFor(part, text, input, slots, fields, report))
    if (problems.length > before) continue
    const checked = check(around, text, slotRecord(slots))
    for (const problem of explained(checked.problems, text, input)) report(problem)
    if (checked.problems.length === 0) results.push({ output, node: checked.node, slots: checked.fields })
  }
  return problems.length ? { ok: false, problems } : aggregation(slots, results, [...fields], generate)
}

const slotRecord = (slots: ReadonlyMap<string, Slot>): RecordType => ({
  fields: Object.fromEntries([...slots].map(([name, { field }]) => [name, field])),
})

type ReportProblem = (problem: ExpressionProblem) => void

/** An expression with one space between its tokens and without comments: equal for texts that differ only in these. */
const spaced = (text: string): string =>
  tokens(text)
    .map(({ start, end }) => text.slice(start, end))
    .join(' ')
    .trimEnd()

/** An aggregate as the name of its slot; undefined for anything else. */
function slotFor(
  part: Syntax,
  text: string,
  input: RecordType,
  slots: Map<string, Slot>,
  fields: Set<string>,
  report: ReportProblem,
): Syntax | undefined {
  if (part.op !== 'call' || !aggregateNames.has(part.name)) return undefined
  // min and max of several values are ordinary functions.
  if ((part.name === 'min' || part.name === 'max') && part.args.length > 1) return undefined
  const { start, end } = part
  const name = spaced(text.slice(start, end))
  const here: Syntax = { op: 'name', name, start, end, depth: 1 }
  if (!slots.has(name)) {
    const slot = slotOf(part, text, input, fields, report)
    if (slot) slots.set(name, slot)
  }
  return here
}

function slotOf(
  call: Syntax & { op: 'call' },
  text: string,
  input: RecordType,
  fields: Set<string>,
  report: ReportProblem,
): Slot | undefined {
  const { name, args } = call
  const span = [call.start, call.end] as const
  const [arg] = args
  if (args.length > 1 || (!arg && name !== 'count')) {
    report({
      code: 'wrong_arguments',
      message: `${name} takes 1 argument`,
      span,
      expected: '1 argument',
      got: String(args.length),
      hint: `${name}(field)`,
    })
    return undefined
  }
  if (!arg) return { accumulator: count as Accumulator, node: undefined, field: { type: count.type, optional: false } }
  const checked = check(arg, text, input)
  for (const problem of checked.problems)
    report(
      aggregateNames.has(text.slice(...problem.span))
        ? { ...problem, hint: 'an aggregate cannot be inside another: use two steps' }
        : problem,
    )
  for (const field of checked.fields) fields.add(field)
  if (checked.problems.length) return undefined
  const { node } = checked
  const accumulator = accumulatorOf(name, node)
  if (accumulator)
    return {
      accumulator,
      node,
      field: { type: accumulator.type, optional: node.optional && !name.includes('count') },
    }
  const expected =
    name === 'sum' || name === 'avg'
      ? 'integer, bigint, number or decimal'
      : name.endsWith('distinct')
        ? 'a single value'
        : 'values that have an order'
  report({
    code: 'wrong_type',
    message: `${name} takes ${expected}, not ${describe(node.type)}`,
    span: node.span,
    expected,
    got: describe(node.type),
  })
  return undefined
}

function accumulatorOf(name: string, { type }: Node): Accumulator | undefined {
  switch (name) {
    case 'count':
      return countOf as Accumulator
    case 'sum':
      return sum(type) as Accumulator | undefined
    case 'avg':
      return avg(type) as Accumulator | undefined
    case 'min':
    case 'max':
      return extremeOf(type, name)
    case 'first':
    case 'last':
      return endOf(type, name) as Accumulator
    case 'approx_count_distinct':
      return approximateDistinct(type) as Accumulator | undefined
    default:
      return distinct(type) as Accumulator | undefined
  }
}

/**
 * Problems of the part around the slots. Here a field of the records is not an unknown field, and an unknown function
 * may be a misspelt aggregate.
 */
function explained(
  problems: readonly ExpressionProblem[],
  text: string,
  input: RecordType,
): readonly ExpressionProblem[] {
  const nameOf = ({ span }: ExpressionProblem): string => text.slice(...span).replaceAll('`', '')
  const near = (problem: ExpressionProblem) =>
    problem.code === 'unknown_function' ? closest(nameOf(problem), aggregateNames) : undefined
  const isMisspelt = problems.some(near)
  return problems.flatMap((problem) => {
    const name = nameOf(problem)
    const meant = near(problem)
    if (meant) return { ...problem, hint: `did you mean ${meant}?` }
    if (problem.code !== 'unknown_field' || !fieldOf(input, name)) return problem
    if (isMisspelt) return []
    const hint = `say which value is meant: sum(${name}), max(${name}), last(${name}); fields in \`by\` are outputs already`
    return {
      code: 'not_aggregated',
      message: `${name} may differ between the records of a group`,
      span: problem.span,
      hint,
    }
  })
}
