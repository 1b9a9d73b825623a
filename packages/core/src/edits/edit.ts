/** The effects of an edited spec on the saved state. */
import type { Signature } from '../plan/signature.ts'
import type { StoreReader } from '../store/index.ts'

/** One difference between the spec and the one that made the state, and its effect. */
export interface Edit {
  /** Empty: the whole pipeline. */
  readonly node: string
  /**
   * `kept`: the run continues as if nothing had changed. `from_here`: the edit applies to what is read from the saved
   * positions on. `discarded`: saved state is lost, which has to be confirmed. `refused`: the run cannot continue.
   */
  readonly effect: 'kept' | 'from_here' | 'discarded' | 'refused'
  readonly what: string
  /** Ways to resolve it; `PIPELINE` stands for the pipeline's name. */
  readonly ways?: readonly string[]
}

/** What a run with the new spec does with the state. */
export interface Edits {
  readonly edits: readonly Edit[]
  /** Nodes whose state moves to another id. */
  readonly renames: readonly (readonly [from: string, to: string])[]
  /** Steps and sinks whose saved state is discarded. */
  readonly discards: { readonly steps: readonly string[]; readonly sinks: readonly string[] }
  /** The graph has changed: counters start over. */
  readonly recount: boolean
}

/** What is looked up in the state. */
export type SavedFacts = Pick<StoreReader, 'stages' | 'resumes' | 'overview' | 'positions'>

/** Nodes of a signature by id. */
export type Nodes = Signature['steps']

/** One of them. */
export type NodeFacts = Nodes[string]

/** The ways to resolve most refusals. */
export const ways = {
  asItWas: 'undo the edit',
  finish: 'finish the run with the old spec',
  reset: 'start over: pipe state reset PIPELINE, then run with --replace',
  fill: 'to fill it with earlier input, run a copy of the pipeline under another name from the beginning',
  giveUp: 'to discard it: run with --reset-state',
  move: (from: string, to: string) => `pipe state move PIPELINE ${from} ${to}`,
} as const
