/** The entry point of @millrace/client-http: requests to external servers. */
export { isPublicAddress, publicLookup } from './address.ts'
export { type Answer, headerOf } from './answer.ts'
export * from './caller.ts'
export { type Client, createClient, type Limits, type Request } from './connections.ts'
export * from './get.ts'
export * from './options.ts'
export * from './retry-after.ts'
