/** A run of a served pipeline, as it is written down. */
import type { Run as RunLine, RunState } from '@millrace/console/wire'
import type { SharedRun } from '@millrace/core'

/** Why a run was started: it was due, what it follows has ended, somebody asked for it, or it always stays up. */
export type Cause = RunLine['cause']

/** How a run is; see the console's interface. */
export type { RunState }

/** The states of a run that is not over. */
export const openStates: readonly RunState[] = ['waiting', 'running', 'retrying', 'interrupted']

/** One run of a pipeline. Times in ms UTC. */
export interface Run {
  readonly id: number
  readonly pipeline: string
  readonly cause: Cause
  /** When it was due: by its schedule, or when it was asked for. */
  readonly dueMs: number
  readonly state: RunState
  /** Attempts so far, and the times that a process of it was killed. */
  readonly attempts: number
  readonly crashes: number
  /** When it is tried again. */
  readonly nextMs: number | null
  readonly startedMs: number | null
  readonly endedMs: number | null
  /** The incarnation of the pipeline that it is: attempts resume it. */
  readonly incarnation: SharedRun | null
  /** Of a run that failed: the code of the error, and its message. */
  readonly code: string | null
  readonly message: string | null
  /** Records read, written and failed. */
  readonly counts: RunCounts | null
}

/** What a run did, in records. */
export interface RunCounts {
  readonly read: number
  readonly written: number
  readonly failed: number
}

/** A run that is to be written down. */
export interface NewRun {
  readonly pipeline: string
  readonly cause: Cause
  readonly dueMs: number
  readonly state: 'waiting' | 'running' | 'skipped'
  /** The request for it: the same one makes no second run. */
  readonly request?: string
}

/** Why something failed. */
export interface Why {
  readonly code: string
  readonly message: string
}

/** How a run ended. */
export interface Ended {
  readonly state: 'succeeded' | 'failed' | 'cancelled'
  readonly why?: Why
  readonly counts?: RunCounts | undefined
}

/** A pipeline that runs after others. */
export interface Follower {
  readonly pipeline: string
  readonly after: readonly string[]
  readonly overlap: 'skip' | 'wait'
}
