/** The spec as written, and the project around it. */
export {
  type Project,
  type ProjectOptions,
  profileNames,
  readProject,
  stateSetting,
} from './project.ts'
export { readSecrets } from './read-secrets.ts'
export { isTestFile, pipelineFiles, yamlFiles } from './pipeline-files.ts'
export type { Finding } from './finding.ts'
export { placeOfConnection } from './connections.ts'
export { resolveConfig, secretNames, type Secrets } from './secrets.ts'
export { defaultRetry, type RetryRule } from './retry.ts'
export * from './units.ts'
export {
  bindingShape,
  deadLetterShape,
  profileShape,
  projectShape,
  type Shape,
  sinkShape,
  sourceShape,
  specShape,
  stepShape,
  varShape,
} from './shape.ts'
export { type OptionsRead, optionsFromText } from './text.ts'
export { optionJsonSchema, specJsonSchema } from './json-schema.ts'
