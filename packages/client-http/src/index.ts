/** The door of @millrace/client-http: requests to servers outside. */
export * from './address.ts'
export * from './connections.ts'
export * from './request.ts'
export { type Answer, headerOf } from './response.ts'
export * from './retry-after.ts'
