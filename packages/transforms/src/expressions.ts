/** Expressions in a step's config: compiled, with their problems placed in the config. */
import {
  compileExpression,
  DataError,
  type Expression,
  type Output,
  type Problem,
  type RecordType,
  typeText,
} from '@millrace/core'

/** The expression, or undefined with its problems at `at`. */
export function expressionAt(
  text: string,
  input: RecordType,
  at: Problem['at'],
  problems: Problem[],
): Expression | undefined {
  const compiled = compileExpression(text, input)
  if (compiled.ok) return compiled
  for (const problem of compiled.problems) problems.push({ ...problem, at })
  return undefined
}

/** The same for a boolean expression. */
export function conditionAt(
  text: string,
  input: RecordType,
  at: Problem['at'],
  problems: Problem[],
): Expression | undefined {
  const compiled = expressionAt(text, input, at, problems)
  if (!compiled) return undefined
  const span = [0, text.length] as const
  if (compiled.type.kind !== 'boolean')
    problems.push({
      code: 'wrong_type',
      message: 'a condition must be true or false',
      at,
      span,
      expected: 'boolean',
      got: typeText(compiled.type),
    })
  else if (compiled.optional)
    problems.push({
      code: 'maybe_null',
      message: 'this condition may be null, which is neither true nor false',
      at,
      span,
      hint: 'coalesce(..., false)',
    })
  else return compiled
  return undefined
}

/** Evaluates an expression that `infer` has accepted. */
export function evaluator(text: string, input: RecordType): Expression['evaluate'] {
  const compiled = compileExpression(text, input)
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message)
  return compiled.evaluate
}

/** Fails record i because of an error of an expression; anything but a data error is a bug and is rethrown. */
export function failFor(error: unknown, out: Output, i: number, field?: string): void {
  if (!(error instanceof DataError)) throw error
  const at = error.field ?? field
  out.fail(i, error.code, { field: at, message: error.message })
}

/** The type of records for which a condition holds: fields that then cannot be null are no longer optional. */
export function narrowed(input: RecordType, condition: Expression | undefined): RecordType {
  if (!condition?.narrows.length) return input
  const fields = Object.entries(input.fields).map(
    ([name, field]) => [name, condition.narrows.includes(name) ? { ...field, optional: false } : field] as const,
  )
  return { ...input, fields: Object.fromEntries(fields) }
}
