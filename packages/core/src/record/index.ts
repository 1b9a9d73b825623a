/**
 * What flows through a pipeline: rows in batches, and beside them what belongs to a record but is not data.
 *
 * A source yields a `Batch`: rows read together, in order, from one split. From there on the engine passes `Records`:
 * rows at some point of the graph, each with an origin (batch, index), so that its id, position, key, time and original
 * bytes can be told. Nothing of that is computed for a record until a sink or a dead letter asks.
 */
export * from './batch.ts'
export * from './identity.ts'
export * from './records.ts'
export * from './flat.ts'
