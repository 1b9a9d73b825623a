/** How a sink reports which records of a write failed. */
import { PartialWriteError, SystemError, type WriteFailure } from '../errors/index.ts'

/**
 * A write that failed midway with a retryable error: the records from `next` on are to be written again; the earlier
 * ones were written or are in `failures`. Throws `PartialWriteError`; if nothing was written or the error is not
 * retryable, the error itself.
 */
export function failRest(records: number, next: number, failures: readonly WriteFailure[], error: unknown): never {
  if (next === 0 || !(error instanceof SystemError) || !error.retry) throw error
  const { code, message, waitMs } = error
  const named = new Set(failures.map(({ index }) => index))
  const rest = Array.from({ length: records - next }, (_, k) => next + k).filter((index) => !named.has(index))
  throwFailures([...failures, ...rest.map((index) => ({ index, kind: 'system', code, message, waitMs }) as const)])
  throw error
}

/** Throws the failures, in the order of the records; does nothing if there are none. */
export function throwFailures(failures: readonly WriteFailure[]): void {
  if (failures.length > 0) throw new PartialWriteError(failures.toSorted((a, b) => a.index - b.index))
}
