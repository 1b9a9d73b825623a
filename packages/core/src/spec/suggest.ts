/** Hints for unknown words. */
import { closest } from '../errors/closest.ts'

/** The word that was probably meant, or all known words if there are few. */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  const words = [...known]
  const near = closest(word, words)
  if (near !== undefined) return `did you mean \`${near}\`?`
  return words.length > 0 && words.length <= 15 ? `known: ${words.join(', ')}` : undefined
}
