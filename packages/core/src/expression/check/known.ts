/** The paths known not to be null at a place; see facts.ts. `never`: the place is unreachable. */
export type KnownFacts = ReadonlySet<string> | 'never'

export interface Facts {
  readonly yes: KnownFacts
  readonly no: KnownFacts
}
