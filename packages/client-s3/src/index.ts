/**
 * The entry point of @millrace/client-s3 without the SDK: what a check needs.
 *
 * `@millrace/client-s3/driver` connects.
 */
export * from './options.ts'
export * from './remove-all.ts'
export * from './send-queue.ts'
