/** The door of @millrace/core: what connectors, steps and the command are built on. */
export * from './codegen.ts'
export * from './connector.ts'
export * from './errors.ts'
export * from './options.ts'
export * from './record.ts'
export * from './schema.ts'
export * from './schema-read.ts'
