/** How a plan is run, and what each of several workers gets. */
import type { Clock } from '../clock.ts'
import type { Observer } from './observe.ts'
import type { Plan } from '../plan/index.ts'
import type { SavedRun } from '../store/index.ts'
import type { Bounds } from './due.ts'
import type { Letter } from './letters.ts'
import type { Summary } from './summary.ts'
import type { Workspace } from './wiring.ts'

/** How a plan is run. */
export interface RunOptions extends Workspace {
  /** Aborted: drain, save, end. */
  readonly signal?: AbortSignal
  readonly observe?: Observer
  /** What to do with results of an earlier incarnation. */
  readonly existing?: 'stop' | 'replace' | 'keep'
  /** Consent to an edit of the spec that discards state. */
  readonly resetState?: boolean
  /**
   * Once it resolves, the run ends when every source has reached the end its input had at that moment
   * (`--until caught_up`: immediately).
   */
  readonly until?: Promise<unknown>
  readonly instance?: { readonly i: number; readonly n: number }
  /** The run that this copy shares with others; see workers.ts. */
  readonly sharedRun?: SharedRun
  /** How each worker of a plan with `parallelism` is started; default: all in this thread. */
  readonly worker?: StartWorker
  readonly bounds?: Partial<Bounds>
  readonly clock?: Clock
  /** How long a stop may drain; default 18 s. */
  readonly drainMs?: number
  /** Only these dead letters are replayed; the sources are not read. */
  readonly letters?: readonly Letter[]
}

/** Options that are the same for every worker. */
export type SharedOptions = Pick<RunOptions, 'existing' | 'resetState' | 'drainMs' | 'sharedRun'>

/** An incarnation that several copies share. */
export type SharedRun = Pick<SavedRun, 'incarnation' | 'id'>

/** The options of one worker. */
export type WorkerOptions = Required<Pick<RunOptions, 'instance' | 'observe' | 'signal'>> &
  Pick<RunOptions, 'until'> & { readonly shared: SharedOptions }

/** Runs one copy of a plan, in this thread or (as the command does) in a thread of its own. */
export type StartWorker = (plan: Plan, options: WorkerOptions) => Promise<Summary>
