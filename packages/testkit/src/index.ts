/** The door of @millrace/testkit. For tests only: its suites import vitest. */
export * from './amazon.ts'
export * from './contract/index.ts'
export * from './clock.ts'
export * from './disk.ts'
export * from './live.ts'
export * from './proxy.ts'
export * from './retail.ts'
export * from './until-done.ts'
