/**
 * What a run tells those who watch it: progress, metrics, logs and the console subscribe to these events. Handlers must
 * not throw and must be quick.
 */
import type { Counters } from './counters.ts'

/** Something that happened in a run. */
export type RunEvent =
  /** Reading begins. `counters` are live: read them whenever something is to be shown. */
  | {
      readonly type: 'started'
      readonly pipeline: string
      readonly incarnation: number
      readonly resumed: boolean
      readonly counters: readonly Counters[]
      readonly progress: Progress
    }
  | { readonly type: 'saved'; readonly epoch: number; readonly durationMs: number }
  | { readonly type: 'published'; readonly sink: string }
  /**
   * Something failed and is tried again; nothing is lost. `sinceMs`: how long it has been failing; `forMs`: how long it
   * is waited for, Infinity: until it works.
   */
  | {
      readonly type: 'retry'
      readonly node: string
      readonly doing: string
      readonly message: string
      readonly attempt: number
      readonly waitMs: number
      readonly sinceMs: number
      readonly forMs: number
    }
  | { readonly type: 'warning'; readonly node: string; readonly message: string }
  | { readonly type: 'stopping'; readonly reason: string }
  | { readonly type: 'ended'; readonly ended: boolean }
  /** What stopped the run; it is thrown as well. */
  | {
      readonly type: 'failed'
      readonly code: string
      readonly message: string
      readonly place?: string | undefined
      readonly hint?: string | undefined
    }

/** How far the reading is; live. */
export interface Progress {
  /** Bytes read by this process, and before a restart. */
  bytes: number
  /** Bytes of all splits found so far, where their sizes are known; 0: unknown. */
  totalBytes: number
  /** No further split will be found. */
  complete: boolean
  /** Lag: records that are there and were not read yet, of all splits. Absent: no source tells. */
  behind?: number
  /** When the last record that was read had arrived, ms UTC; where several sources tell, the earliest. */
  arrivedMs?: number
}

/** Told of each event, in order. */
export type Observer = (event: RunEvent) => void
