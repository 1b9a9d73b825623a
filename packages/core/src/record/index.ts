/**
 * What flows through a pipeline: rows in batches, and the properties of records that are not data.
 *
 * A source yields a `Batch`: rows read together, in order, from one split. From there on the engine passes `Records`:
 * rows at some point of the graph, each with an origin (batch, index), from which its id, position, key, time and
 * original bytes can be derived. None of that is computed for a record until a sink or a dead letter needs it.
 */
export * from './json.ts'
export * from './batch.ts'
export { highOf, rowsBefore } from './highs.ts'
export * from './identity.ts'
export * from './origin.ts'
export * from './records.ts'
export * from './flat.ts'
export * from './wire.ts'
