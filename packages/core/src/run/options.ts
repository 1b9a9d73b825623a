/** How a plan is run, and what each of several copies of it is given. */
import type { Clock } from '../clock.ts'
import type { Observer } from './observe.ts'
import type { Plan } from '../plan/index.ts'
import type { SavedRun } from '../store/index.ts'
import type { Bounds } from './due.ts'
import type { Letter } from './letters.ts'
import type { Summary } from './summary.ts'
import type { Surroundings } from './wiring.ts'

/** How a plan is run. */
export interface RunOptions extends Surroundings {
  /** Aborted: drain, save, end. */
  readonly signal?: AbortSignal
  readonly observe?: Observer
  /** What to do with results of an earlier incarnation. */
  readonly existing?: 'stop' | 'replace' | 'keep'
  /** What an edit of the spec discards of the state may be given up. */
  readonly resetState?: boolean
  /**
   * When it resolves, the run ends as soon as every source has come to the end that is there then (`--until caught_up`:
   * at once).
   */
  readonly until?: Promise<unknown>
  readonly instance?: { readonly i: number; readonly n: number }
  /** The run that this copy is one of several of; see workers.ts. */
  readonly joint?: Joint
  /** How a plan with `parallelism` starts each of its workers; default: all in this thread. */
  readonly worker?: StartWorker
  readonly bounds?: Partial<Bounds>
  readonly clock?: Clock
  /** How long a stop may drain; default 18 s. */
  readonly drainMs?: number
  /** Only these dead letters are taken; the sources are not read. */
  readonly letters?: readonly Letter[]
}

/** What holds for every worker as it does for the whole. */
export type SharedOptions = Pick<RunOptions, 'existing' | 'resetState' | 'drainMs' | 'joint'>

/** A run that copies have in common: an incarnation of all of them. */
export type Joint = Pick<SavedRun, 'incarnation' | 'id'>

/** What one worker is given. */
export type WorkerOptions = Required<Pick<RunOptions, 'instance' | 'observe' | 'signal'>> &
  Pick<RunOptions, 'until'> & { readonly shared: SharedOptions }

/** Runs one copy of a plan: in this thread, or, as the command does, in one of its own. */
export type StartWorker = (plan: Plan, options: WorkerOptions) => Promise<Summary>
