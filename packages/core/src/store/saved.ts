/** What is saved of a pipeline. */
import type { MemoryChange } from '../connector/index.ts'
import type { LetterKey } from '../connector/dead-letter.ts'
import type { Json } from '../record/index.ts'

export type { LetterKey }

/** A stage as saved: what `publish` gets, and where it belongs. */
export interface SavedStage {
  readonly id: number
  readonly epoch: number
  readonly sink: string
  readonly stage: Json
}

/** A split's progress that its source has a duty about, and that it was not yet told. */
export interface SavedDuty {
  readonly id: number
  readonly epoch: number
  readonly source: string
  readonly split: string
  readonly position: Json | undefined
  readonly ended: boolean
}

/** One incarnation: a run from beginning to end, over all crashes and restarts in between. */
export interface SavedRun {
  readonly incarnation: number
  /** A random name of it, that copies have in common which were started together. */
  readonly id: string
  readonly epoch: number
  readonly ended: boolean
  /** What decided the results when the state was last saved: a `Signature` (plan/signature.ts). */
  readonly signature: Json
  /** When the incarnation began, and when its counters did, ms UTC. */
  readonly beganMs: number
  readonly countedFromMs: number
}

/** How far a split is. */
export interface SavedPosition {
  readonly source: string
  readonly split: string
  readonly position: Json | undefined
  readonly ended: boolean
}

/** What has become of a dead letter. One that is not saved is open. */
export type LetterState = 'open' | 'replayed' | 'dismissed'

/** What one epoch leaves, as of one cut. */
export interface Save {
  readonly epoch: number
  /** Per node, as of the cut. */
  readonly counters: Readonly<Record<string, Json>>
  readonly positions: readonly SavedPosition[]
  /** Highest event time of each lane, ms UTC. */
  readonly lanes: readonly { readonly source: string; readonly lane: string; readonly high: number }[]
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
  readonly duties: readonly SavedPosition[]
  /** Stages published, and duties done, since the last save. */
  readonly published: readonly number[]
  readonly dutiesDone: readonly number[]
  readonly letters: readonly (LetterKey & { readonly state: LetterState })[]
  /** How much of a component's order (run/order.ts) the save covers. */
  readonly ordered?: { readonly component: string; readonly seq: number }
}

/** What a save has made of it. */
export interface SaveIds {
  /** Of the new stages and duties, in their order. */
  readonly stages: readonly number[]
  readonly duties: readonly number[]
}

/** An entry of a step's memory. `split`: the one that it moves with; empty: none. */
export interface SavedEntry {
  readonly step: string
  readonly split: string
  readonly key: string
  readonly value: string
}

/** All that is saved of one run, to be put into other folders. */
export interface Content {
  readonly run: SavedRun
  readonly positions: readonly SavedPosition[]
  readonly lanes: Save['lanes']
  readonly memory: readonly { readonly source: string; readonly key: string; readonly value: Json }[]
  readonly steps: readonly { readonly step: string; readonly hash: string }[]
  readonly entries: readonly SavedEntry[]
  readonly counters: Readonly<Record<string, Json>>
  readonly letters: Save['letters']
  /** Sinks that have written, all of it published: they begin anew, beside what they left. */
  readonly sinks: readonly string[]
}

/** What is saved, whatever the spec says now: for `pipe state show`. */
export interface Overview {
  readonly positions: readonly SavedPosition[]
  readonly steps: readonly { readonly step: string; readonly entries: number }[]
}
