/** What is known not to be null at a place: paths, see facts.ts; `never`: the place is not reached. */
export type KnownFacts = ReadonlySet<string> | 'never'

export interface Facts {
  readonly yes: KnownFacts
  readonly no: KnownFacts
}
