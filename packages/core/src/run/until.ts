/** `--until caught_up`: the run ends when every source has come to the end that is there at one moment. */
import type { Batch } from '../record.ts'
import type { SourceNode } from './graph.ts'

export interface UntilCaughtUp {
  /** The moment has come. */
  begin(): void
  saw(source: string, batches: readonly Batch[]): void
  ended(source: string): void
}

/**
 * Calls `done` when every source has come to the end that is there at `begin`. A source that says `caughtUp` twice asked at least once after it: the first answer
 * may have been on its way.
 */
export function untilCaughtUp(sources: readonly SourceNode[], done: () => void): UntilCaughtUp {
  const left = new Map(sources.map((s) => [s.id, 2]))
  let begun = false
  const look = () => {
    if (begun && [...left.values()].every((times) => times <= 0)) done()
  }
  return {
    begin() {
      begun = true
      look()
    },
    saw(source, batches) {
      if (!begun) return
      for (const { caughtUp } of batches) if (caughtUp) left.set(source, left.get(source)! - 1)
      look()
    },
    ended(source) {
      left.set(source, 0)
      look()
    },
  }
}
