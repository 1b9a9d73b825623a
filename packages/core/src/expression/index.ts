/** Expressions. */
export * from './expression.ts'
export { aggregateFunctions } from './aggregate/functions.ts'
export {
  type AggregateState,
  type Aggregation,
  type AggregationProblems,
  compileAggregates,
  interpretAggregates,
  type StatePieces,
} from './aggregate/index.ts'
export { orderOf } from './order.ts'
export { type FunctionEntry, functions, signatures } from './functions/index.ts'
export type { ExpressionProblem } from './read/problem.ts'
export type { Comparison } from './evaluate/equalities.ts'
export type { FieldBound, ValueRange } from './evaluate/bounds.ts'
