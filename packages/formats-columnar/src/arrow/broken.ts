/** What is wrong with an Arrow file as a whole. */
import { MillraceError } from '@millrace/core'

/** The file is not what its format says it is. */
export const broken = (what: string, cause?: unknown): MillraceError =>
  new MillraceError('broken_file', `this is not an Arrow file, or it is damaged: ${what}`, {
    cause,
    hint: 'fetch or write the file again',
  })
