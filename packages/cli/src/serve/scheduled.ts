/** What the scheduler is told, and what it tells. */
import type { PlanSchedule } from '@millrace/core'
import type { NewRun, Run, RunCounts, Why } from './run.ts'

/** How a process of a pipeline ended. */
export type Ending =
  | { readonly type: 'succeeded'; readonly counts?: RunCounts | undefined }
  /** `isFinal`: it fails in the same way until something is changed. */
  | { readonly type: 'failed'; readonly why: Why; readonly counts?: RunCounts | undefined; readonly isFinal?: boolean }
  /** Without a result: it crashed, or somebody killed it. */
  | { readonly type: 'killed'; readonly why: Why }
  /** It was told to, and can go on. */
  | { readonly type: 'stopped'; readonly counts?: RunCounts | undefined }

/** What is to run, as the spec says. */
export interface Scheduled {
  readonly name: string
  /** It never ends by itself, and has no schedule. */
  readonly staysUp: boolean
  readonly schedule?: PlanSchedule | undefined
  /** It reads to the end of what these write, so it waits for runs of them that are due no later than its own. */
  readonly readsAfter: readonly string[]
}

/** What the scheduler decided, for the log. */
export type Decision =
  | { readonly type: 'due' | 'skipped'; readonly run: Pick<NewRun, 'dueMs' | 'cause'> }
  | { readonly type: 'missed'; readonly firstMs: number; readonly lastMs: number }
  | { readonly type: 'starting'; readonly run: Run }
  | { readonly type: 'retrying'; readonly run: Run; readonly waitMs: number; readonly why: Why }
  | { readonly type: 'succeeded' | 'run_failed' | 'interrupted' | 'cancelled'; readonly run: Run; readonly why?: Why }

/** Starts a process of a run. Aborted: it drains, and ends as `stopped`. */
export type Launch = (run: Run, signal: AbortSignal) => Promise<Ending>
