/** What is saved of pipelines, and what they connect to. */

/** The saved state of one copy of a pipeline. */
export interface SavedState {
  readonly instance: { readonly i: number; readonly n: number }
  /** Bytes on the disk. */
  readonly bytes: number
  readonly savedMs: number | null
  /** Who runs it now. */
  readonly heldBy: string | null
  /** From its beginning to its end, over all restarts. */
  readonly incarnation: number
  readonly epoch: number
  readonly ended: boolean
  readonly positions: readonly {
    readonly source: string
    readonly split: string
    /** As JSON. */
    readonly position: string
    readonly ended: boolean
  }[]
  /** Splits beyond those. */
  readonly otherPositions: number
  readonly steps: readonly { readonly step: string; readonly entries: number }[]
  /** Results that are finished and not known to be published. */
  readonly stages: number
  /** Inputs that are still to be moved, removed or answered. */
  readonly commitActions: number
  /** Sinks with a half-written file. */
  readonly unfinished: readonly string[]
}

/** The state of a pipeline. */
export interface State {
  readonly instances: readonly SavedState[]
  /** What could be done about its size or speed. */
  readonly rescale: string
}

/** A connection, and who uses it. Secrets are references in `config`. */
export interface ConnectionLine {
  readonly connection?: string | undefined
  readonly type: string
  readonly config: string
  readonly place: string
  readonly uses: readonly { readonly pipeline: string; readonly id: string; readonly kind: 'source' | 'sink' }[]
}

/** What a look at a connection found, as `pipe doctor` prints it. */
export interface ConnectionFinding extends ConnectionLine {
  /** `untried`: its connector connects to nothing before a run. */
  readonly state: 'ok' | 'failed' | 'untried'
  readonly found?: string | undefined
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined
}
