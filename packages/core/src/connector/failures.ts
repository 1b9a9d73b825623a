/** How a sink names the records of a write that failed. */
import { PartialWriteError, SystemError, type WriteFailure } from '../errors/index.ts'

/**
 * A write that failed in the middle with what can pass: the records from `next` on are to be written again, those
 * before were taken or are among `failures`. Throws; the error itself where nothing was taken or it cannot pass.
 */
export function failRest(records: number, next: number, failures: readonly WriteFailure[], error: unknown): never {
  if (next === 0 || !(error instanceof SystemError) || !error.retry) throw error
  const { code, message } = error
  const named = new Set(failures.map(({ index }) => index))
  const rest = Array.from({ length: records - next }, (_, k) => next + k).filter((index) => !named.has(index))
  throwFailures([...failures, ...rest.map((index) => ({ index, kind: 'system', code, message }) as const)])
  throw error
}

/** Throws what failed, in the order of the records; nothing where nothing did. */
export function throwFailures(failures: readonly WriteFailure[]): void {
  if (failures.length > 0) throw new PartialWriteError(failures.toSorted((a, b) => a.index - b.index))
}
