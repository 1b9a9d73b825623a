/**
 * Connections that break at COMMIT, as a test asks: `SELECT 'stand-in', 'cut before commit', 'TEXT'` or `'cut after
 * commit'`. The next COMMIT of a transaction that had TEXT in one of its statements is not executed, or executed
 * without an answer; then the connection is cut.
 */
import { plain, type Token } from './tokens.ts'

/** When a connection is cut. */
export type Cut = 'before' | 'after'

const waiting: { readonly cut: Cut; readonly text: string }[] = []

/** Takes a request of a test; false: it is none. */
export function isFaultRequest(tokens: readonly Token[]): boolean {
  const [select, name, , what, , text] = tokens.map(plain)
  if (select !== 'SELECT' || name !== "'stand-in'") return false
  const cut = /^'cut (before|after) commit'$/.exec(what ?? '')?.[1]
  if (cut) waiting.push({ cut: cut as Cut, text: (text ?? '').slice(1, -1) })
  return true
}

/** What is to happen to the COMMIT of a transaction with these statements; it happens once. */
export function cutOf(statements: string): Cut | undefined {
  const at = waiting.findIndex(({ text }) => statements.includes(text))
  return at < 0 ? undefined : waiting.splice(at, 1)[0]!.cut
}
