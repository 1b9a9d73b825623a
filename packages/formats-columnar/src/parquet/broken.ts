/** What is wrong with a Parquet file as a whole. */
import { MillraceError } from '@millrace/core'

/** The file is not what its format says it is. */
export const broken = (what: string, cause?: unknown): MillraceError =>
  new MillraceError('broken_file', `this is no Parquet file, or a damaged one: ${what}`, {
    cause,
    hint: 'fetch or write the file again; a file that is cut off has no footer',
  })

/** The file is valid, but has something that is not supported here. */
export const unsupported = (what: string, hint: string): MillraceError =>
  new MillraceError('unsupported_encoding', what, { hint })
