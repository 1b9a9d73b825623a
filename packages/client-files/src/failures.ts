/** Errors of input files. */
import { MillraceError, SystemError } from '@millrace/core'

/**
 * The error of a file: exit code 3 if it is missing or not readable. Errors that are not from the system are returned
 * unchanged.
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
      return new MillraceError('input_unreadable', `this user has no permission to read ${name}`, {
        exitCode: 3,
        cause: error,
        hint: `grant it, for example: chmod a+r ${name}`,
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
  new MillraceError('input_missing', `${name} does not exist`, {
    exitCode: 3,
    cause,
    hint: 'check the path: it is relative to the project folder',
  })

/** A pipe, socket or terminal among watched files. */
export const notWatchable = (name: string): MillraceError =>
  new MillraceError('input_unreadable', `${name} can be read only once, so it cannot be watched`, {
    exitCode: 3,
    hint: 'remove it, or read it by a source without the option watch',
  })

/** An input file has changed since reading began. */
export const inputChanged = (name: string, how: string): MillraceError =>
  new MillraceError('input_changed', `${name} ${how} since the run began to read it`, {
    hint: 'restore the file and run again, or discard its positions: pipe state reset PIPELINE',
  })

export const noRandomAccess = (name: string, why: string, hint: string): MillraceError =>
  new MillraceError('no_random_access', `${name} ${why}, but its format needs random access`, { hint })
