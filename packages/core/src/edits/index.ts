/** The effects of an edited spec on the state. */
export * from './edits.ts'
export type { Edit, Edits, SavedFacts } from './edit.ts'
