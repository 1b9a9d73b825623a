/** What can be wrong with an input file, for a person. */
import { MillraceError, SystemError } from '@millrace/core'

/**
 * What went wrong with a file: exit code 3 where it is missing or closed to us. What is no failure of the system stays.
 */
export function fileError(error: unknown, name: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return inputMissing(name, error)
    case 'EACCES':
    case 'EPERM':
      return new MillraceError('input_unreadable', `${name} may not be read by this user`, {
        exitCode: 3,
        cause: error,
        hint: `allow it, for example: chmod a+r ${name}`,
      })
    case 'EISDIR':
      return new MillraceError('input_unreadable', `${name} is a folder`, { exitCode: 3, cause: error })
    default:
      return new SystemError('input_unreadable', `${name} cannot be read: ${message}`, {
        retry: code === 'EIO' || code === 'EMFILE' || code === 'EAGAIN',
        cause: error,
      })
  }
}

export const inputMissing = (name: string, cause?: unknown): MillraceError =>
  new MillraceError('input_missing', `${name} is not there`, {
    exitCode: 3,
    cause,
    hint: 'check the path: it is relative to the project folder',
  })

/** An input file that is not what it was when reading began. */
export const inputChanged = (name: string, how: string): MillraceError =>
  new MillraceError('input_changed', `${name} ${how} since the run began to read it`, {
    hint: 'put the file back as it was and run again, or forget what was read with `pipe state reset PIPELINE`',
  })

export const noRandomAccess = (name: string, why: string, hint: string): MillraceError =>
  new MillraceError('no_random_access', `${name} ${why}, and its format needs to be read at any place`, { hint })
