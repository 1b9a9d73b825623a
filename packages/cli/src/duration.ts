/** Durations in flags. */
import { durationForm, parseDuration } from '@millrace/core'
import { usageError } from './command.ts'

/** The value of a flag, in ms. Throws a usage error. */
export function durationOf(flag: string, text: string): number {
  const ms = parseDuration(text)
  if (!ms) throw usageError(`--${flag} takes ${durationForm}, not \`${text}\`.`)
  return ms
}
