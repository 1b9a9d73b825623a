/**
 * What happens to a record that cannot pass (invariant 7): the run stops at it, or it goes to the dead letter, or it is dropped and counted.
 * `stop_above` ends a flood: when more than that share of the last 10,000 records of a source failed, judged from its 1,000th on and at its end.
 */
import type { Failure } from '../dead-letter.ts'
import { MillraceError } from '../errors.ts'

export type Policy = 'stop' | 'dead_letter' | 'drop' | 'refuse'

/** Thrown where a record stops the run; the component looks up the record's place and makes a message of it. */
export class DataStop extends Error {
  override readonly name = 'DataStop'
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.message ?? failure.code)
    this.failure = failure
  }
}

export interface Failures {
  /** Deals with one failed record. Throws `DataStop` where the policy is stop. */
  report(policy: Policy, failure: Failure): void
  /** Records of a source went by; throws when too many of them failed. */
  passed(source: string, records: number): void
  /** The end of a source. */
  ended(source: string): void
}

const blockSize = 1000
const blocks = 10

interface Window {
  readonly seen: number[]
  readonly failed: number[]
}

export function createFailures(
  stopAbove: number | undefined,
  bury: (failure: Failure) => void,
  onFailed?: (failure: Failure) => void,
): Failures {
  const windows = new Map<string, Window>()
  const windowOf = (source: string): Window => {
    let window = windows.get(source)
    if (!window) windows.set(source, (window = { seen: [0], failed: [0] }))
    return window
  }
  const judge = (source: string, window: Window) => {
    const seen = window.seen.reduce((a, b) => a + b, 0)
    const failed = window.failed.reduce((a, b) => a + b, 0)
    if (stopAbove === undefined || seen === 0 || failed / seen <= stopAbove) return
    throw new MillraceError(
      'too_many_bad_records',
      `${failed} of the last ${seen} records of ${source} failed: more than stop_above allows (${+(stopAbove * 100).toFixed(3)} %)`,
      {
        place: source,
        hint: 'look at them with `pipe dead-letter list`, mend the spec (a date format? a type?) and run again',
      },
    )
  }
  return {
    report(policy, failure) {
      if (policy === 'stop') throw new DataStop(failure)
      if (policy === 'dead_letter') bury(failure)
      onFailed?.(failure)
      if (stopAbove !== undefined && failure.source) {
        const { failed } = windowOf(failure.source)
        failed[failed.length - 1]!++
      }
    },
    passed(source, records) {
      if (stopAbove === undefined) return
      const window = windowOf(source)
      window.seen[window.seen.length - 1]! += records
      if (window.seen.at(-1)! < blockSize) return
      judge(source, window)
      window.seen.push(0)
      window.failed.push(0)
      if (window.seen.length > blocks) {
        window.seen.shift()
        window.failed.shift()
      }
    },
    ended(source) {
      if (stopAbove !== undefined) judge(source, windowOf(source))
    },
  }
}
