/** How a case is run: by the engine in this process, or by the real command in a child process. */
import type { Letter, MillraceError, Plan, ReplaySummary, Summary } from '@millrace/core'
import type { Case } from '../case.ts'
import type { Reader } from './outputs.ts'
import type { ProcessOptions } from './process.ts'

/** How one start ended. */
export interface RunEnd {
  readonly killed: boolean
  /** How often each crash point was passed; empty if that is not known. */
  readonly passed: ReadonlyMap<string, number>
  /** How many sources were read, if that is known. */
  readonly reads?: number
  readonly error?: Pick<MillraceError, 'code' | 'message' | 'place' | 'exitCode'>
  readonly summary?: Pick<Summary, 'counters' | 'imbalances'>
}

export interface Runner {
  /** Runs the pipeline until it ends, fails or is killed. Throws `Hang`. */
  start(options: ProcessOptions): Promise<RunEnd>
  /** Reads what file sinks wrote. */
  readonly reader: Reader
  /** Removes a published file. */
  remove(path: string): Promise<void>
}

/** A runner whose spec may change, and which replays letters. */
export interface LetterRunner extends Runner {
  /** Uses another spec from the next start on. */
  use(graph: Case, plan: Plan): void
  /** Replays letters as `pipe dead-letter replay` does. */
  replay(letters: readonly Letter[], options: ProcessOptions): Promise<RunEnd & { readonly replayed?: ReplaySummary }>
  /** The same again, with the balance, by a run that takes nothing else if the runner has one. */
  runLetters(letters: readonly Letter[]): Promise<RunEnd & { readonly outcomes?: Summary['replay'] }>
}

/** A run takes milliseconds, and seconds on a busy machine; one that takes this long hangs. */
export const timeoutMs = 60_000

export class Hang extends Error {}
