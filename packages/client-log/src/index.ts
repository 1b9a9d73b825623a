/** The entry point of @millrace/client-log: the embedded log. */
export * from './path.ts'
export * from './store.ts'
