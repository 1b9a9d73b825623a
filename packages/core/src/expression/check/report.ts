/** Findings of the type check. */
import type { ExpressionProblem } from '../read/problem.ts'
import type { Span } from '../read/syntax.ts'
import { brokenNode, describe, isBroken, isNothing, type Node } from './typed.ts'

export interface Reporter {
  report(problem: ExpressionProblem): void
  /** The text at a span. */
  textOf(span: Span): string
}

/** The node as one that is not null; a finding if it may be null. */
export function required(node: Node, reporter: Reporter): Node {
  if (!node.optional || isBroken(node.type)) return node
  const text = reporter.textOf(node.span)
  if (isNothing(node.type)) {
    reporter.report({
      code: 'wrong_type',
      message: `${text} is null: only ==, !=, coalesce and ?: accept it`,
      span: node.span,
      got: 'null',
    })
    return brokenNode(node.span)
  }
  reporter.report({
    code: 'maybe_null',
    message: `${text} may be null here`,
    span: node.span,
    expected: describe(node.type),
    got: `${describe(node.type)}?`,
    hint:
      node.type.kind === 'boolean'
        ? `compare: ${text} == true`
        : `guard it: ${text} != null && ..., or give a value for null: coalesce(${text}, ...)`,
  })
  return { ...node, optional: false }
}

/** The node as a boolean that is not null; a finding if it is not one. */
export function requiredBoolean(node: Node, reporter: Reporter): Node {
  const checked = required(node, reporter)
  if (checked.type.kind === 'boolean' || isBroken(checked.type)) return checked
  const text = reporter.textOf(node.span)
  const compare =
    node.type.kind === 'string'
      ? `compare: ${text} != ""`
      : node.type.kind === 'integer' || node.type.kind === 'number'
        ? `compare: ${text} != 0`
        : undefined
  reporter.report({
    code: 'wrong_type',
    message: `${text} is ${describe(node.type)}, where true or false is needed`,
    span: node.span,
    expected: 'boolean',
    got: describe(node.type),
    hint: compare,
  })
  return brokenNode(node.span)
}
