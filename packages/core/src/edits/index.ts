/** What an edit of a spec does to the state. */
export * from './edits.ts'
export type { Edit, Edits, SavedFacts } from './edit.ts'
