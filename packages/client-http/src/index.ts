/** The entry point of @millrace/client-http: requests to external servers. */
export * from './address.ts'
export * from './connections.ts'
export * from './request.ts'
export { type Answer, headerOf } from './answer.ts'
export { authorized, revealed } from './authorization.ts'
export * from './retry-after.ts'
export * from './tls.ts'
