/** Record types, and reading and writing them as text. */
export * from './type.ts'
export * from './read.ts'
export * from './json-schema.ts'
