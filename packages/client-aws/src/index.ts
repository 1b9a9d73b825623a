/**
 * The entry point of @millrace/client-aws: what the clients of all services of AWS share.
 *
 * Decision: docs/decisions/20261202-services-of-aws.md
 */
export * from './options.ts'
export * from './settings.ts'
export * from './errors.ts'
