/** The entry point of @millrace/client-sqlite: the embedded store. */
export * from './names.ts'
export { readIds, type StoreIds } from './ids.ts'
export * from './open.ts'
export * from './columns.ts'
