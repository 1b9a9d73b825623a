import { usageError } from './command.ts'

/** The value of a flag as a whole number; `fallback` if it is not given. */
export function wholeNumber(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  if (!/^\d{1,12}$/.test(text)) throw usageError(`${flag} takes a whole number, not \`${text}\`.`)
  return Number(text)
}
