/** What can be wrong with a run. */

export type FaultKind =
  /** Records are missing. */
  | 'lost'
  /** Records occur more often than allowed. */
  | 'doubled'
  /** A sink holds something that is not in the prediction. */
  | 'unexpected'
  /** Something is visible that was not saved. */
  | 'unsaved'
  /** Not exactly one record of a key has passed a `dedupe`. */
  | 'choice'
  /** The document of a key has none of the values that may be its last. */
  | 'last'
  | 'letters'
  | 'counts'
  | 'imbalance'
  /** The run has failed. */
  | 'failed'
  /** Bad data should have stopped the run. */
  | 'not_stopped'
  /** Unpublished files are left behind. */
  | 'left_behind'
  /** An input file was removed too early, or not at all. */
  | 'input'
  /** Records have other ids than in an undisturbed run. */
  | 'identity'
  /** The plan promises more than its sinks can keep. */
  | 'promise'
  /** An edit of the spec was kept that must be refused, or the other way round. */
  | 'decision'
  /** A dead letter that was replayed has another outcome or mark. */
  | 'replay'
  | 'hang'

export interface Fault {
  readonly kind: FaultKind
  /** The step or sink; empty for the run as a whole. */
  readonly at: string
  readonly text: string
}

/** Counts equal texts. */
export function counted(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

/** The first three texts, and how many more there are. */
export const firstFew = (texts: readonly string[]): string =>
  `${texts.slice(0, 3).join('; ')}${texts.length > 3 ? `; and ${texts.length - 3} more` : ''}`
