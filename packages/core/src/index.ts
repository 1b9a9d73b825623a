/** The door of @millrace/core: what connectors, steps and the command are built on. */
export * from './codegen.ts'
export * from './connector.ts'
export * from './convert.ts'
export * from './date.ts'
export * from './errors.ts'
export * from './options.ts'
export * from './record.ts'
export * from './schema.ts'
export * from './schema-read.ts'
export * from './plan.ts'
export * from './registry.ts'
export * from './crash.ts'
export { deadLetterSchema } from './dead-letter.ts'
export * from './observe.ts'
export * from './run/index.ts'
export type { StartWorker, WorkerOptions } from './run/options.ts'
export { renameOrder } from './run/order.ts'
export { type Bounds, defaultBounds } from './run/due.ts'
export type { Letter } from './run/letters.ts'
export type { ReplayOutcome } from './run/replays.ts'
export * from './clock.ts'
export * from './edits.ts'
export { type Counters, type SinkCounters, type SourceCounters, type StepCounters } from './run/counters.ts'
export * from './store.ts'
export * from './store/busy.ts'
export * from './owner.ts'
export * from './rescale.ts'
export * from './run/preview.ts'
export * from './key.ts'
export * from './flat.ts'
export * from './well-formed.ts'
export * from './run/replay.ts'
export * from './closest.ts'
export { feedsOf, type ManyOptions, runMany } from './run/many.ts'
export * from './errors/catalogue.ts'
export { wantedBy } from './check/wanted.ts'
export { check, type Planning } from './plan/make.ts'
export { secretNames } from './spec/secrets.ts'
export type { Finding } from './spec/finding.ts'
export { placeOfConnection } from './spec/connections.ts'
export {
  type Project,
  type ProjectOptions,
  profileNames,
  readProject,
  readSecrets,
  stateSetting,
} from './spec/project.ts'
export { defaultRetry } from './spec/retry.ts'
export * from './spec/units.ts'
export * from './expression/index.ts'
export { createSource, envOf } from './run/wiring.ts'
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
} from './spec/shape.ts'
export { type OptionsRead, optionsFromText } from './spec/text.ts'
export { optionJsonSchema, specJsonSchema } from './spec/json-schema.ts'
