/** The state of pipelines. */
export * from './store.ts'
export type * from './saved.ts'
export * from './busy.ts'
export { holderOf, holdFolder } from './lock.ts'
