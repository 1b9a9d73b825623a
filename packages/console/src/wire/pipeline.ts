/** One pipeline: its graph, its bad records, its windows. */

/** A source, step or sink. */
export interface GraphNode {
  readonly id: string
  readonly kind: 'source' | 'step' | 'sink' | 'dead_letter'
  readonly type: string
  readonly description?: string | undefined
  /** The type of what it puts out, or of what a sink takes. */
  readonly record?: string | undefined
  /** How a sink keeps the promise. */
  readonly promise?: string | undefined
  /** It is part of this source: it has no numbers of its own. */
  readonly pushedInto?: string | undefined
}

/** From an output of a node to another one. */
export interface GraphEdge {
  readonly from: string
  /** A named output; absent: the one without a name. */
  readonly output?: string | undefined
  readonly to: string
  /** Records that failed. */
  readonly isFailure?: boolean
}

/** Nodes and edges. */
export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

/** A pipeline. */
export interface Pipeline {
  readonly name: string
  readonly description?: string | undefined
  readonly runs: 'whole' | 'continue'
  readonly parallelism: number
  readonly delivery: { readonly label: string; readonly weakest: string; readonly within?: readonly string[] }
  readonly graph: Graph
  readonly hasWindows: boolean
  readonly hasDeadLetter: boolean
}

/** A record that failed. */
export interface Letter {
  readonly id: string
  readonly step: string
  readonly code: string
  readonly field: string | null
  readonly message: string | null
  readonly source: string
  readonly split: string
  readonly position: string
  /** Its bytes. */
  readonly text: string
}

/** Records that failed: how many of each kind, and the first of them. */
export interface Letters {
  readonly total: number
  readonly kinds: readonly {
    readonly step: string
    readonly code: string
    readonly field: string | null
    readonly records: number
  }[]
  readonly letters: readonly Letter[]
}

/** What holds the watermarks of each copy of a pipeline, and what waits for them. Times in ms UTC. */
export interface Windows {
  readonly instances: readonly {
    readonly instance: { readonly i: number; readonly n: number }
    readonly atMs: number | null
    readonly steps: readonly {
      readonly step: string
      readonly watermarkMs: number | null
      readonly why: string
      readonly advice?: string | undefined
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

/** How one record fared that was tried or replayed. */
export interface LetterOutcome {
  readonly id: string
  readonly step: string
  readonly passes: boolean
  /** Where and why it failed. */
  readonly at?: string
  readonly code?: string
  readonly message?: string | undefined
}

/** What would happen to records that are replayed now. Nothing was written. */
export interface Trial {
  readonly tried: number
  readonly passing: number
  /** The first of them. */
  readonly letters: readonly LetterOutcome[]
}

/** What became of records that were replayed. */
export interface Replayed {
  readonly asked: number
  readonly replayed: number
  /** Had been replayed or dismissed already. */
  readonly skipped: number
  readonly failed: number
  /** The process that runs the pipeline did it. */
  readonly byRunning: boolean
  readonly imbalances: readonly string[]
  /** The first of them. */
  readonly letters: readonly LetterOutcome[]
}
