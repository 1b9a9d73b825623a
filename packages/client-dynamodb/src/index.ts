/**
 * The entry point of @millrace/client-dynamodb without the SDK: what a check needs.
 *
 * `@millrace/client-dynamodb/driver` connects.
 *
 * Decision: docs/decisions/20261202-documents-in-dynamodb.md
 */
export * from './options.ts'
export * from './values.ts'
export * from './layout.ts'
export * from './size.ts'
