/** What `serve` and the process of a pipeline say to each other. */
import type { OutOfReach, RunEvent, SharedRun } from '@millrace/core'
import type { Given } from '../command.ts'
import type { LiveNumbers } from '../monitor/meter.ts'
import type { Described } from '../print/error.ts'
import type { specFlags } from '../spec-flags.ts'
import type { RunCounts } from './run.ts'

/** What a process runs. */
export interface ServedTask {
  /** The spec file, absolute, and the files it was accepted with. */
  readonly spec: string
  readonly texts: readonly (readonly [path: string, text: string | null])[]
  readonly flags: Given<typeof specFlags>['flags']
  /** The run that it is, if its pipeline reads from beginning to end. */
  readonly sharedRun?: SharedRun | undefined
  /** It has a schedule, though its input never ends: it reads what there is. */
  readonly untilCaughtUp: boolean
}

/** Messages to the process. */
export type ToServed =
  | { readonly type: 'start'; readonly task: ServedTask }
  | { readonly type: 'stop' }
  /** What is out of reach? */
  | { readonly type: 'reach'; readonly question: number }

/** Messages from the process. Secrets are hidden in them. */
export type FromServed =
  | { readonly type: 'event'; readonly event: RunEvent }
  | { readonly type: 'live'; readonly live: LiveNumbers }
  | { readonly type: 'reached'; readonly question: number; readonly outOfReach: readonly OutOfReach[] }
  | {
      readonly type: 'ended'
      readonly isDone: boolean
      readonly counts: RunCounts
      readonly imbalances: readonly string[]
    }
  | { readonly type: 'error'; readonly error: Described }
