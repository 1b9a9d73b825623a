/** The door of @millrace/testkit. For tests only: its suites import vitest. */
export * from './retail.ts'
