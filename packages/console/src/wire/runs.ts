/** Pipelines at a glance, and their runs. */

/**
 * `waiting` to start; `running`; `retrying` after a failure or a crash; `interrupted`: goes on when `serve` does;
 * `skipped`: the run before had not ended; `cancelled`: somebody ended it.
 */
export type RunState =
  | 'waiting'
  | 'running'
  | 'retrying'
  | 'interrupted'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'cancelled'

/** A run, in a line. Times in ms UTC. */
export interface Run {
  readonly id: number
  readonly pipeline: string
  readonly state: RunState
  readonly cause: 'schedule' | 'after' | 'trigger' | 'stream'
  readonly attempts: number
  readonly dueMs: number
  readonly startedMs: number | null
  readonly endedMs: number | null
  readonly nextMs: number | null
  readonly code: string | null
  readonly message: string | null
  readonly counts: { readonly read: number; readonly written: number; readonly failed: number } | null
}

/** How a pipeline is. `troubled`: it works, or will, but something stands against it now. */
export type Mood = 'failed' | 'troubled' | 'running' | 'idle'

/** A pipeline among others. */
export interface FleetLine {
  readonly name: string
  readonly description?: string | undefined
  readonly mood: Mood
  /** What it does or what is wrong, as a sentence. */
  readonly sentence: string
  /** When it runs. */
  readonly when: string
  readonly delivery: string
  /** Why an edit of its spec is not in effect. */
  readonly refused?: string | undefined
  /** The last ones, newest first. */
  readonly runs: readonly Run[]
}

/** The project that is shown. */
export interface Project {
  readonly name: string
  readonly profile: string
  readonly version: string
  readonly isReadOnly: boolean
  /** Runs can be asked for and ended here. */
  readonly isServed: boolean
  readonly atMs: number
}

/** Lines of a log. */
export interface LogPage {
  /** In order; each with its number in the log, from 1. `cut`: the length of a line that is not all here. */
  readonly lines: readonly { readonly n: number; readonly text: string; readonly cut?: number }[]
  /** Of the log, and those of them that were searched for. */
  readonly total: number
  readonly matching: number
}
