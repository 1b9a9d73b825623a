/** The check of a spec, and which connectors it wants. */
export * from './check.ts'
export { wantedBy } from './wanted.ts'
