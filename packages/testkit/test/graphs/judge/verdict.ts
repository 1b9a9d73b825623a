/** What is wrong with a case that was played. */

/** How something differs from what must be. */
export type Wrong =
  /** Records that must be there are not. */
  | 'lost'
  /** Records are there more often than they may be. */
  | 'doubled'
  /** Something is there that no record of the input became. */
  | 'beyond'
  /** A result is there before what it is made of was saved. */
  | 'early'
  /** Of records of one key, none or several passed. */
  | 'choice'
  /** The document of a key holds none of the values that may be the last. */
  | 'last'
  | 'letters'
  | 'counts'
  | 'imbalance'
  /** The run failed, or did not stop where it must. */
  | 'failed'
  | 'not_stopped'
  | 'left_behind'
  /** An input file was removed before it was read, or not removed after. */
  | 'input'
  /** A record has another id than in an undisturbed run. */
  | 'identity'
  /** The plan promises more than a sink of it can keep. */
  | 'promise'
  /** An edit was kept where it must be refused, or the other way round. */
  | 'decision'
  | 'hang'

export interface Fault {
  readonly wrong: Wrong
  /** The step or sink; empty: the run as a whole. */
  readonly at: string
  readonly text: string
}

/** Counts of equal texts. */
export function counted(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

/** The first few of some texts. */
export const few = (texts: readonly string[]): string =>
  `${texts.slice(0, 3).join('; ')}${texts.length > 3 ? `; and ${texts.length - 3} more` : ''}`
