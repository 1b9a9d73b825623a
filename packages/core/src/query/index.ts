/** Queries of collections, for `pipe query` and pages. */
export * from './answer.ts'
export * from './check.ts'
export { plainRange } from './clauses.ts'
export * from './query.ts'
