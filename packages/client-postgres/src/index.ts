/**
 * The entry point of @millrace/client-postgres without the driver: what a check needs.
 *
 * `@millrace/client-postgres/driver` connects.
 */
export * from './names.ts'
export * from './options.ts'
