/** What is wrong with an Arrow file as a whole. */
import { MillraceError } from '@millrace/core'

/** The file is not what its format says it is. */
export const broken = (what: string, cause?: unknown): MillraceError =>
  new MillraceError('broken_file', `this is no Arrow file, or a damaged one: ${what}`, {
    cause,
    hint: 'fetch or write the file again',
  })
