/** The saved state of a pipeline. */
import type { MemoryChange } from '../connector/index.ts'
import type { LetterKey } from '../connector/dead-letter.ts'
import type { Json } from '../record/index.ts'

export type { LetterKey }

/** A saved stage: the argument of `publish`, and the sink it belongs to. */
export interface SavedStage {
  readonly id: number
  readonly epoch: number
  readonly sink: string
  readonly stage: Json
}

/** A commit action that is not recorded as done: a split's progress that its source has to act on. */
export interface SavedCommitAction {
  readonly id: number
  readonly epoch: number
  readonly source: string
  readonly split: string
  readonly position: Json | undefined
  readonly ended: boolean
}

/** An incarnation: a run from beginning to end, across all crashes and restarts in between. */
export interface SavedRun {
  readonly incarnation: number
  /** A random name, shared by copies that were started together. */
  readonly id: string
  readonly epoch: number
  readonly ended: boolean
  /** Everything that determined the results when the state was last saved: a `Signature` (plan/signature.ts). */
  readonly signature: Json
  /** When the incarnation began, and when its counters did, ms UTC. */
  readonly beganMs: number
  readonly countedFromMs: number
}

/** How far a split was read. */
export interface SavedPosition {
  readonly source: string
  readonly split: string
  readonly position: Json | undefined
  readonly ended: boolean
}

/** The state of a dead letter. One that is not saved is open. */
export type LetterState = 'open' | 'replayed' | 'dismissed'

/** A lane, or the last watermark of a step: that has no source. */
export interface SavedLane {
  readonly source: string
  readonly lane: string
  /** Its highest event time, ms UTC; -Infinity: none. */
  readonly high: number
  /** Lanes that are idle or have ended do not hold a watermark back. */
  readonly state: 'active' | 'idle' | 'ended'
  /**
   * A watermark that had come beyond the lane's own in an instance that read it before (run/rescale-lanes.ts), ms UTC;
   * undefined: none. What it has closed stays closed for the lane's records.
   */
  readonly floor?: number | undefined
}

/** Everything one epoch saves, as of its barrier. */
export interface Save {
  readonly epoch: number
  /** By node, as of the barrier. */
  readonly counters: Readonly<Record<string, Json>>
  readonly positions: readonly SavedPosition[]
  readonly lanes: readonly SavedLane[]
  readonly memory: readonly { readonly source: string; readonly key: string; readonly value: Json | null }[]
  readonly changes: readonly {
    readonly step: string
    readonly hash: string
    readonly entries: readonly MemoryChange[]
  }[]
  readonly resumes: readonly { readonly sink: string; readonly resume: Json }[]
  /** Sinks that have records in files that are still open. */
  readonly unfinished: readonly string[]
  readonly stages: readonly { readonly sink: string; readonly stage: Json }[]
  readonly commitActions: readonly SavedPosition[]
  /** Stages published and commit actions carried out since the last save. */
  readonly published: readonly number[]
  readonly commitActionsDone: readonly number[]
  readonly letters: readonly (LetterKey & { readonly state: LetterState })[]
  /** The number up to which the save covers a component's order log (run/order.ts). */
  readonly ordered?: { readonly component: string; readonly seq: number }
}

/** The ids that a save assigned. */
export interface SaveIds {
  /** Of the new stages and commit actions, in their order. */
  readonly stages: readonly number[]
  readonly commitActions: readonly number[]
}

/** An entry of a step's memory. `split`: the split that it moves with; empty: none. */
export interface SavedEntry {
  readonly step: string
  readonly split: string
  readonly key: string
  readonly value: string
}

/** Everything that is saved of a run, for moving it to other folders. */
export interface Content {
  readonly run: SavedRun
  readonly positions: readonly SavedPosition[]
  readonly lanes: Save['lanes']
  readonly memory: readonly { readonly source: string; readonly key: string; readonly value: Json }[]
  readonly steps: readonly { readonly step: string; readonly hash: string }[]
  readonly entries: readonly SavedEntry[]
  readonly counters: Readonly<Record<string, Json>>
  readonly letters: Save['letters']
  /** Sinks that have written and published everything: they start over, next to their existing results. */
  readonly sinks: readonly string[]
}

/** What is saved, independent of the current spec: for `pipe state show`. */
export interface Overview {
  readonly positions: readonly SavedPosition[]
  readonly steps: readonly { readonly step: string; readonly entries: number }[]
}
