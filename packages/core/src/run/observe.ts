/** The events of a run, for progress displays, metrics and logs. Observers must be quick and must not throw. */
import type { HeldRequests } from '../connector/index.ts'
import type { Counters } from './counters.ts'
import type { StepWatermark } from './watermark-report.ts'

/** Something that happened in a run. */
export type RunEvent =
  /**
   * Reading begins. `counters` and `progress` are live: read them whenever needed. `before`: the counters until now.
   */
  | {
      readonly type: 'started'
      readonly pipeline: string
      readonly incarnation: number
      readonly resumed: boolean
      readonly counters: readonly Counters[]
      readonly before: readonly Counters[]
      readonly progress: Progress
    }
  /** `durationMs`: from the barrier until everything is saved, published and committed; `saveMs`: the save alone. */
  | { readonly type: 'saved'; readonly epoch: number; readonly durationMs: number; readonly saveMs: number }
  | { readonly type: 'published'; readonly sink: string }
  /**
   * A call failed and is retried; nothing is lost. `reason`: the code of its error; `sinceMs`: how long it has been
   * failing; `forMs`: how long it is retried, Infinity: until it succeeds.
   */
  | {
      readonly type: 'retry'
      readonly node: string
      readonly doing: string
      readonly reason: string
      readonly message: string
      readonly attempt: number
      readonly waitMs: number
      readonly sinceMs: number
      readonly forMs: number
    }
  /** A source cannot answer its senders for now. */
  | { readonly type: 'stalled'; readonly node: string; readonly reason: string; readonly message: string }
  /** A call that was retried has succeeded, or a source can answer again. */
  | { readonly type: 'recovered'; readonly node: string; readonly doing: string; readonly afterMs: number }
  | { readonly type: 'warning'; readonly node: string; readonly message: string }
  /** Another lane holds the watermark of a step, or for another reason, and has done so for a second. */
  | ({ readonly type: 'watermark' } & StepWatermark)
  | { readonly type: 'stopping'; readonly reason: string }
  | { readonly type: 'ended'; readonly ended: boolean }
  /** The error that stopped the run; it is also thrown. */
  | {
      readonly type: 'failed'
      readonly code: string
      readonly node?: string | undefined
      readonly message: string
      readonly place?: string | undefined
      readonly hint?: string | undefined
    }

/** How far reading has come; live. */
export interface Progress {
  /** Bytes read by this process, and before a restart. */
  bytes: number
  /** Bytes of all splits found so far whose size is known; 0: unknown. */
  totalBytes: number
  /** No more splits will be found. */
  complete: boolean
  /** Lag: records available but not read yet, over all splits. Absent: no source reports it. */
  behind?: number
  /** When the last record read had arrived, ms UTC; of several sources, the earliest. */
  arrivedMs?: number
  /** The steps that use event time, in each worker, as of the last second. Absent: there are none. */
  watermarks?: readonly StepWatermark[] | undefined
  /** What the sources that answer hold, by their ids. Absent: there are none. */
  requests?: Readonly<Record<string, HeldRequests>>
  /** When the system of each source and sink last answered, ms UTC. */
  answeredMs: Readonly<Record<string, number>>
}

/** Called with each event, in order. */
export type Observer = (event: RunEvent) => void
