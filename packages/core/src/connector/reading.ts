/** What everything other than the engine needs to read a source: preview, side inputs, tests. */
import { systemClock } from '../clock.ts'
import type { Batch, CaughtUp, SplitsFound } from '../record/index.ts'
import type { ReadContext } from './source.ts'

/**
 * Reads from the beginning, as the only instance, without memory, in a run that begins now, unless `more` says
 * otherwise.
 */
export const freshRead = (signal: AbortSignal, more: Partial<ReadContext> = {}): ReadContext => ({
  signal,
  resume: () => undefined,
  recall: () => undefined,
  recallAll: () => [],
  owns: () => true,
  wants: () => true,
  whenWanted: () => Promise.resolve(),
  instance: { i: 0, n: 1 },
  beganMs: systemClock.now(),
  continues: false,
  attempts: () => ({ waitToRetry: (error) => Promise.reject(error), succeeded: () => {} }),
  outOfReach: () => Promise.resolve([]),
  cannotAnswer: () => {},
  holds: () => {},
  warn: () => {},
  ...more,
})

/** Whether an item that a source yielded is a batch. */
export const isBatch = (given: Batch | SplitsFound | CaughtUp): given is Batch => 'rows' in given
