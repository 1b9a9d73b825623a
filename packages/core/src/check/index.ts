/** The check of a spec, and the connectors that it needs. */
export * from './check.ts'
export { wantedBy } from './wanted.ts'
