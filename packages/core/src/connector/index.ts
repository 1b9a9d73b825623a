/**
 * The contract between the engine and a connector or step.
 *
 * The engine's loop is `read -> transform -> write -> flush -> save -> publish -> commit`. A restart resumes from a
 * position per split, saved in one transaction with all state; there are no acknowledgements. Optional methods are
 * capabilities: leaving one out means "not supported".
 *
 * Rules for all:
 *
 * - `create` does no I/O and must not throw for valid options (`check` and `plan` call it).
 * - Everything that waits takes a signal and ends within one second of its abort. A call that does not is abandoned at
 *   the end of the drain, and the run names it.
 * - A failure of an external system is thrown as `SystemError`. A bad record is never thrown: a source lists it in
 *   `Batch.bad`, a step calls `out.fail`, a sink throws `PartialWriteError`.
 * - Connectors keep no timers running and log nothing; `ctx.warn` warns the user that something was recovered.
 *
 * Decision: docs/decisions/20261121-positions-not-acknowledgements.md
 */
export * from './abort.ts'
export * from './definition.ts'
export * from './env.ts'
export * from './failures.ts'
export * from './look.ts'
export * from './network.ts'
export * from './reading.ts'
export * from './sink.ts'
export * from './source.ts'
export * from './time.ts'
export * from './transform.ts'
export type { Problem } from '../errors/index.ts'
export * from './options.ts'
export { deadLetterSchema } from './dead-letter.ts'
