/**
 * Expressions: CEL (https://github.com/google/cel-spec) with its own types, checked against a record's type before
 * anything runs. The stages: read/lexer.ts and read/parser.ts (text to syntax tree), check/check.ts (to typed tree,
 * with every problem), evaluate/compile.ts and its twin evaluate/interpret.ts (to values). Differences from CEL: null
 * is a value that fields may have, `7 / 2` is 3.5, integers are exact within +-(2^53-1), and text is counted and
 * ordered by code points.
 */
import { codegenAllowed } from '../codegen.ts'
import type { Row } from '../record/index.ts'
import type { RecordType, Type } from '../schema/index.ts'
import { check } from './check/check.ts'
import { factsOf, fieldOfPath } from './check/facts.ts'
import type { Node } from './check/typed.ts'
import { compile } from './evaluate/compile.ts'
import { type Comparison, comparisons, equalities } from './evaluate/equalities.ts'
import { membersOf, withGiven } from './evaluate/given.ts'
import { interpret } from './evaluate/interpret.ts'
import { parseExpression } from './read/parser.ts'
import { quotedName } from './read/quoted-name.ts'
import type { ExpressionProblem } from './read/problem.ts'
import { boundsOf, type FieldBound } from './evaluate/bounds.ts'

/** An expression that matches its record type. */
export interface Expression {
  readonly ok: true
  /** The type of its result. */
  readonly type: Type
  /** Whether its result may be null. */
  readonly optional: boolean
  /**
   * Its value for a row of the record: in the in-memory form of `type`, or null. Throws `DataError`
   * (`division_by_zero`, `out_of_range`, ...).
   */
  readonly evaluate: (row: Row) => unknown
  /** The fields it reads. */
  readonly fields: readonly string[]
  /** Fields that are certainly not null in rows for which it is true. */
  readonly narrows: readonly string[]
  /**
   * Fields that certainly have this value (in its in-memory form) in rows for which it is true: its `field == value`
   * conjuncts. For look-ups.
   */
  readonly equals: Readonly<Record<string, unknown>>
  /** Its conditions of the form `field < value`, of those that `&&` joins. For stores that can look values up. */
  comparisons(): readonly Comparison[]
  /** What it demands of single fields, if it is a condition. For sources that can skip many records at once. */
  bounds(): readonly FieldBound[]
  /** The members of the field `name` that it reads. */
  members(name: string): ReadonlySet<string>
  /** The same expression with values for the members of the field `name`, which rows then need not have. */
  given(name: string, values: Row): Expression
}

/** An expression with problems. */
export interface ExpressionProblems {
  readonly ok: false
  readonly problems: readonly ExpressionProblem[]
}

/** Checks an expression against the record whose fields it uses, and compiles it. Never throws, whatever the text. */
export const compileExpression = (text: string, input: RecordType): Expression | ExpressionProblems =>
  build(text, input, codegenAllowed ? compile : interpret)

/** The same, with the interpreted twin as `evaluate`. */
export const interpretExpression = (text: string, input: RecordType): Expression | ExpressionProblems =>
  build(text, input, interpret)

function build(
  text: string,
  input: RecordType,
  evaluator: (node: Node) => (row: Row) => unknown,
): Expression | ExpressionProblems {
  const syntax = parseExpression(text)
  if ('code' in syntax) return { ok: false, problems: [explained(syntax, text, input)] }
  const { node, problems, fields } = check(syntax, text, input)
  if (problems.length) return { ok: false, problems }
  return expressionOf(node, fields, evaluator)
}

function expressionOf(
  node: Node,
  fields: readonly string[],
  evaluator: (node: Node) => (row: Row) => unknown,
): Expression {
  const { yes } = factsOf(node)
  const narrows =
    node.type.kind === 'boolean' && yes !== 'never' ? [...yes].flatMap((path) => fieldOfPath(path) ?? []) : []
  return {
    ok: true,
    type: node.type,
    optional: node.optional,
    evaluate: evaluator(node),
    fields,
    narrows,
    equals: equalities(node),
    comparisons: () => comparisons(node),
    bounds: () => boundsOf(node),
    members: (name) => membersOf(node, name),
    given: (name, values) =>
      expressionOf(
        withGiven(node, name, values),
        fields.filter((field) => field !== name),
        evaluator,
      ),
  }
}

/** A syntax error is often due to a field with a space or sign in its name. */
function explained(problem: ExpressionProblem, text: string, input: RecordType): ExpressionProblem {
  const field = problem.hint
    ? undefined
    : Object.keys(input.fields).find((name) => quotedName(name) !== name && text.includes(name))
  return field === undefined
    ? problem
    : { ...problem, hint: `write such a name between backticks: ${quotedName(field)}` }
}
