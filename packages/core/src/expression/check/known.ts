/** What is known not to be null at a place: paths, see facts.ts; `never`: the place is not reached. */
export type Known = ReadonlySet<string> | 'never'

export interface Facts {
  readonly yes: Known
  readonly no: Known
}
