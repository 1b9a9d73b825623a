/**
 * The entry point of @millrace/client-mongodb without the driver: what a check and a dead letter need.
 *
 * `@millrace/client-mongodb/driver` connects.
 */
export * from './bson.ts'
export * from './options.ts'
