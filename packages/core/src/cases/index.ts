/**
 * Test files of specs: read, played through the real check, plan and engine with sources and sinks in memory, compared,
 * rewritten.
 */
export { type Case, readTestFile, type TestFile } from './file.ts'
export { bindCase, type BoundCase } from './bind.ts'
export { type CaseResult, runCase } from './run.ts'
export { flowText } from './flow.ts'
export { testJsonSchema } from './json-schema.ts'
export type { Difference } from './compare.ts'
export { type CaseUpdate, updateTestFile } from './update.ts'
export { type CreatedGiven, newTestFile } from './create.ts'
