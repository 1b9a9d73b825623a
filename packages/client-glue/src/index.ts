/**
 * The entry point of @millrace/client-glue without the SDK: what a check needs.
 *
 * `@millrace/client-glue/driver` connects.
 */
export * from './options.ts'
