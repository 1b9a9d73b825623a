/**
 * The entry point of @millrace/core: what connectors, steps and the command are built on. Its folders are the stages,
 * each with an `index.ts` that exports what others may use: `errors record schema date convert -> expression connector
 * -> registry -> spec -> check -> plan -> store edits -> run -> cases`.
 */
export * from './clock.ts'
export * from './codegen.ts'
export * from './crash.ts'
export * from './errors/index.ts'
export * from './record/index.ts'
export * from './schema/index.ts'
export * from './date/index.ts'
export * from './schedule/index.ts'
export * from './convert/index.ts'
export * from './expression/index.ts'
export * from './connector/index.ts'
export * from './registry/index.ts'
export * from './spec/index.ts'
export * from './query/index.ts'
export { wantedBy } from './check/index.ts'
export { check, type Planning } from './plan/index.ts'
export * from './plan/plan.ts'
export * from './store/index.ts'
export * from './edits/index.ts'
export * from './run/index.ts'
export * from './cases/index.ts'
export * from './pages/index.ts'
