/** What the interface sends, as far as the browser reads it. */

/** Records at a node. */
export interface NodeNumbers {
  readonly in: number
  readonly out: number
  readonly failed: number
  readonly filtered: number
  readonly held: number
  readonly outputs: Readonly<Record<string, number>>
  readonly codes: Readonly<Record<string, number>>
}

/** A pipeline as it is now. */
export interface LivePipeline {
  readonly isRunning: boolean
  readonly atMs: number
  readonly nodes: Readonly<Record<string, NodeNumbers>>
  readonly behind?: number
  readonly bytes?: number
  readonly totalBytes?: number
  readonly residentBytes?: number
  readonly loopDelay?: number
  readonly lastSaveMs?: number
  readonly troubles: readonly {
    readonly node: string
    readonly code: string
    readonly message: string
    readonly sinceMs: number
  }[]
}

export type Snapshot = Readonly<Record<string, LivePipeline>>

export type RunState = 'waiting' | 'running' | 'retrying' | 'interrupted' | 'succeeded' | 'failed' | 'skipped'

export interface Run {
  readonly id: number
  readonly pipeline: string
  readonly state: RunState
  readonly cause: string
  readonly attempts: number
  readonly dueMs: number
  readonly startedMs: number | null
  readonly endedMs: number | null
  readonly nextMs: number | null
  readonly code: string | null
  readonly message: string | null
  readonly counts: { readonly read: number; readonly written: number; readonly failed: number } | null
}

export type Mood = 'failed' | 'troubled' | 'running' | 'idle'

export interface FleetLine {
  readonly name: string
  readonly description?: string
  readonly mood: Mood
  readonly sentence: string
  readonly when: string
  readonly delivery: string
  readonly refused?: string
  readonly runs: readonly Run[]
}

export interface GraphNode {
  readonly id: string
  readonly kind: 'source' | 'step' | 'sink' | 'dead_letter'
  readonly type: string
  readonly description?: string
  readonly record?: string
  readonly promise?: string
  readonly pushedInto?: string
}

export interface GraphEdge {
  readonly from: string
  readonly output?: string
  readonly to: string
  readonly isFailure?: boolean
}

export interface Pipeline {
  readonly name: string
  readonly description?: string
  readonly runs: 'whole' | 'continue'
  readonly parallelism: number
  readonly delivery: { readonly label: string; readonly weakest: string; readonly within?: readonly string[] }
  readonly graph: { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] }
  readonly hasWindows: boolean
  readonly hasDeadLetter: boolean
}

export interface Project {
  readonly name: string
  readonly profile: string
  readonly version: string
  readonly isReadOnly: boolean
  readonly atMs: number
}

export interface LogPage {
  readonly lines: readonly { readonly n: number; readonly text: string; readonly cut?: number }[]
  readonly total: number
  readonly matching: number
}

export interface Letters {
  readonly total: number
  readonly kinds: readonly {
    readonly step: string
    readonly code: string
    readonly field: string | null
    readonly records: number
  }[]
  readonly letters: readonly {
    readonly id: string
    readonly step: string
    readonly code: string
    readonly field: string | null
    readonly message: string | null
    readonly source: string
    readonly split: string
    readonly position: string
    readonly text: string
  }[]
}

export interface Windows {
  readonly instances: readonly {
    readonly instance: { readonly i: number; readonly n: number }
    readonly atMs: number | null
    readonly steps: readonly {
      readonly step: string
      readonly watermarkMs: number | null
      readonly why: string
      readonly advice?: string
      readonly waiting?: {
        readonly windows: number
        readonly records: number
        readonly next: readonly {
          readonly start: number
          readonly end: number
          readonly firesAt: number
          readonly records: number
        }[]
      }
    }[]
    readonly lanes: readonly {
      readonly source: string
      readonly lane: string
      readonly highMs: number | null
      readonly watermarkMs: number | null
      readonly state: string
    }[]
    readonly otherLanes: number
  }[]
}
