/**
 * The entry point of @millrace/client-kinesis without the SDK: what a check and a dead letter need.
 *
 * `@millrace/client-kinesis/driver` connects.
 */
export * from './options.ts'
export * from './record-id.ts'
