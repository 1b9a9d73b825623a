/** What a seeded bug is; see bugs.ts. */
export interface SeededBug {
  /** What is done wrong. */
  readonly name: string
  /** What it would break. */
  readonly breaks: string
  /** Relative to the repository. */
  readonly file: string
  /** Texts of the file, each of which must occur once, and what replaces them. */
  readonly edits: readonly (readonly [from: string, to: string])[]
  /** The test file, and the test in it by its full name or a part of that. */
  readonly test: readonly [file: string, name: string]
  /** In the message of the failed test: it failed for this reason and no other. */
  readonly says: RegExp
}
