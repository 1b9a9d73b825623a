import type { Span } from './syntax.ts'

/** A problem of an expression. `span`: the characters at fault, first and one after the last. */
export interface ExpressionProblem {
  /**
   * `bad_expression` (syntax), `unknown_field`, `unknown_function`, `wrong_arguments`, `wrong_type`, `maybe_null`,
   * `out_of_range`, `bad_pattern`, ...
   */
  readonly code: string
  readonly message: string
  readonly span: Span
  readonly expected?: string
  readonly got?: string
  readonly hint?: string
}

/** Ends the parsing of a text that is not an expression; never leaves this folder. */
export class BadSyntax extends Error {
  readonly problem: ExpressionProblem

  constructor(message: string, span: Span, hint?: string) {
    super(message)
    this.problem = { code: 'bad_expression', message, span, hint }
  }
}
