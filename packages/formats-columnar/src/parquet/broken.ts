/** What is wrong with a Parquet file as a whole. */
import { MillraceError } from '@millrace/core'

/** The file is not what its format says it is. */
export const broken = (what: string, cause?: unknown): MillraceError =>
  new MillraceError('broken_file', `this is not a Parquet file, or it is damaged: ${what}`, {
    cause,
    hint: 'fetch or write the file again; a truncated file has no footer',
  })

/** The file is valid, but has something that is not supported here. */
export const unsupported = (what: string, hint: string): MillraceError =>
  new MillraceError('unsupported_encoding', what, { hint })
