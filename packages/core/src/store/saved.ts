/** What is saved of a pipeline. */
import type { MemoryChange } from '../connector.ts'
import type { Json } from '../record.ts'

/** A stage as saved: what `publish` gets, and where it belongs. */
export interface SavedStage {
  readonly id: number
  readonly sink: string
  readonly stage: Json
}

/** One incarnation: a run from beginning to end, over all crashes and restarts in between. */
export interface SavedRun {
  readonly incarnation: number
  readonly epoch: number
  readonly ended: boolean
  readonly specHash: string
}

/** What one epoch leaves, as of one cut. */
export interface Save {
  readonly epoch: number
  /** Per node, as of the cut. */
  readonly counters: Readonly<Record<string, Json>>
  readonly positions: readonly {
    readonly source: string
    readonly split: string
    readonly position: Json | undefined
    readonly ended: boolean
  }[]
  readonly memory: readonly { readonly source: string; readonly key: string; readonly value: Json | null }[]
  readonly changes: readonly {
    readonly step: string
    readonly hash: string
    readonly entries: readonly MemoryChange[]
  }[]
  readonly resumes: readonly { readonly sink: string; readonly resume: Json }[]
  readonly stages: readonly { readonly sink: string; readonly stage: Json }[]
  /** Stages published since the last save. */
  readonly published: readonly number[]
}

/** All that is saved of one run, to be put into other folders. */
export interface Content {
  readonly run: SavedRun
  readonly positions: readonly {
    readonly source: string
    readonly split: string
    readonly position: Json | undefined
    readonly ended: boolean
  }[]
  readonly memory: readonly { readonly source: string; readonly key: string; readonly value: Json }[]
  readonly counters: Readonly<Record<string, Json>>
}

/** What is saved, whatever the spec says now: for `pipe state show`. */
export interface Overview {
  readonly positions: readonly {
    readonly source: string
    readonly split: string
    readonly position: Json | undefined
    readonly ended: boolean
  }[]
  readonly steps: readonly { readonly step: string; readonly entries: number }[]
}
