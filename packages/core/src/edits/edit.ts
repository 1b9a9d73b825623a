/** What an edit of a spec does to the saved state. */
import type { Signature } from '../plan/signature.ts'
import type { StoreReader } from '../store/index.ts'

/** One difference between the spec and the one that the state was made with, and what follows from it. */
export interface Edit {
  /** Empty: the pipeline as a whole. */
  readonly node: string
  /**
   * `kept`: it goes on as if nothing were changed; `from_here`: it holds for what is read from the saved positions on;
   * `discarded`: something saved is given up, which has to be asked for; `refused`: it cannot go on.
   */
  readonly effect: 'kept' | 'from_here' | 'discarded' | 'refused'
  readonly what: string
  /** The ways out; `PIPELINE` stands for the pipeline's name. */
  readonly ways?: readonly string[]
}

/** What a run under the new spec does with the state. */
export interface Edits {
  readonly edits: readonly Edit[]
  /** Nodes whose state belongs to another id now. */
  readonly renames: readonly (readonly [from: string, to: string])[]
  /** Steps and sinks whose saved state is given up. */
  readonly discards: { readonly steps: readonly string[]; readonly sinks: readonly string[] }
  /** The graph is another one: counters start over. */
  readonly recount: boolean
}

/** What is looked up in the state. */
export type SavedFacts = Pick<StoreReader, 'stages' | 'resumes' | 'overview' | 'positions'>

/** Nodes of a signature by id. */
export type Nodes = Signature['steps']

/** One of them. */
export type NodeFacts = Nodes[string]

/** The ways out of most refusals. */
export const ways = {
  asItWas: 'put it back as it was',
  finish: 'finish the run with the spec as it was',
  reset: 'start over: pipe state reset PIPELINE, then run with --replace',
  fill: 'to fill it with what was read before, run a copy of the pipeline under another name from the beginning',
  giveUp: 'to give it up: run with --reset-state',
  move: (from: string, to: string) => `pipe state move PIPELINE ${from} ${to}`,
} as const
