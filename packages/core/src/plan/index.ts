/** The plan, and how it is made from a checked spec. */
export * from './plan.ts'
export { check, type Planning } from './make.ts'
export { type Signature, signatureOf } from './signature.ts'
