/**
 * The entry point of @millrace/kinds: what connectors of one kind share, so that a profile can swap them.
 *
 * Decision: docs/decisions/20261130-one-package-a-system.md
 */
export * from './keys.ts'
export * from './streams/options.ts'
export * from './streams/decode.ts'
export * from './streams/encode.ts'
export * from './streams/source.ts'
export * from './documents/options.ts'
export * from './documents/rows.ts'
export * from './documents/set.ts'
export * from './endpoints/ids.ts'
export * from './objects/by-place.ts'
export * from './objects/existing.ts'
export { storedType } from './objects/hive.ts'
export * from './objects/layout.ts'
export * from './objects/names.ts'
export * from './objects/open-files.ts'
export * from './objects/options.ts'
export * from './objects/output.ts'
export * from './objects/path.ts'
export * from './objects/reading.ts'
export * from './objects/stored-forms.ts'
export * from './objects/template.ts'
export * from './warehouse/columns.ts'
export * from './warehouse/lines.ts'
export * from './warehouse/options.ts'
