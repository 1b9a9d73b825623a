/** Who runs a case: the engine inside this process, or the real command in a process of its own. */
import type { MillraceError, Summary } from '@millrace/core'
import type { Death } from './life.ts'
import type { Reader } from './outputs.ts'

/** How a run ended, or that it was killed. */
export interface Ended {
  readonly died: boolean
  /** How often each crash point was passed, where that is known. */
  readonly passed: ReadonlyMap<string, number>
  /** How many sources began to be read, where that is known. */
  readonly reads?: number
  readonly error?: Pick<MillraceError, 'code' | 'message' | 'place' | 'exitCode'>
  readonly summary?: Pick<Summary, 'counters' | 'imbalances'>
}

export interface Engine {
  /** Runs until the end, or to the death. `disturbed`: with the case's outage; `pace`: how fast its sources are, from 0. */
  start(how: { readonly death?: Death | undefined; readonly disturbed: boolean; readonly pace: number }): Promise<Ended>
  readonly reader: Reader
  /** Removes a published file, as a reader does who took it. */
  remove(path: string): Promise<void>
}

/** A run of a few milliseconds that takes so long hangs. */
export const patienceMs = 30_000

export class Hang extends Error {}
