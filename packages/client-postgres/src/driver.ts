/** What connects. */
export * from './failures.ts'
export * from './ledger.ts'
export * from './session.ts'
