/** What runs of pipelines are doing now. */

/** Records at one node: since its pipeline first ran, or since a whole run began. */
export interface NodeNumbers {
  readonly in: number
  readonly out: number
  readonly failed: number
  /** Left out by a step, or replaced by a newer record. */
  readonly filtered: number
  /** In the memory of a step. */
  readonly held: number
  /** By name of the output. */
  readonly outputs: Readonly<Record<string, number>>
  readonly codes: Readonly<Record<string, number>>
}

/** Something that keeps a node from working. */
export interface LiveTrouble {
  readonly node: string
  readonly code: string
  readonly message: string
  readonly sinceMs: number
}

/** A pipeline as it is now. Times in ms UTC. */
export interface LivePipeline {
  readonly isRunning: boolean
  /** Of its numbers. */
  readonly atMs: number
  readonly nodes: Readonly<Record<string, NodeNumbers>>
  /** Records that are there and were not read yet. */
  readonly behind?: number | undefined
  readonly bytes?: number | undefined
  readonly totalBytes?: number | undefined
  readonly residentBytes?: number | undefined
  /** The mean delay of its event loop, in seconds. */
  readonly loopDelay?: number | undefined
  readonly lastSaveMs?: number | undefined
  readonly troubles: readonly LiveTrouble[]
  /** How it is, where no run of `pipe serve` says so. */
  readonly note?: string
}

/** All pipelines of which something is known, by name. */
export type Snapshot = Readonly<Record<string, LivePipeline>>
