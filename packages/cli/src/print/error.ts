/**
 * Errors as shown to users: what, where, what to do. An error without a code is a bug in Millrace and is shown with its
 * stack.
 */
import type { Io } from '../io.ts'
import { hide, hiddenJson } from '@millrace/core'

/** What was thrown, as data. */
export interface Described {
  readonly code: string
  readonly message: string
  readonly place?: string | undefined
  readonly hint?: string | undefined
  readonly exitCode: 1 | 2 | 3
}

/**
 * Prints an error, as text or as one JSON object on standard output, and returns the exit code. Errors are recognised
 * by name: a connector may bring its own copy of core.
 */
export function printError(error: unknown, io: Io, json: boolean): number {
  const { code, message, place, hint, exitCode } = described(error)
  if (json) io.out(`${hiddenJson({ error: { code, message, place, hint } })}\n`)
  else io.err(hide(`error ${code}${place ? ` at ${place}` : ''}: ${message}\n${hint ? `  ${hint}\n` : ''}`))
  return exitCode
}

export function described(error: unknown): Described {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const { place, hint } = error as Error & { place?: string; hint?: string }
    return {
      code: error.code,
      message: error.message,
      place,
      hint: hint ?? environmentHint(error.code),
      exitCode: exitCodeOf(error),
    }
  }
  return {
    code: 'internal',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    hint: 'This is a bug in Millrace itself. State is unharmed; please report it with the text above.',
    exitCode: 1,
  }
}

// Exit code 3: the problem is not the spec or the data but this machine (file, permission, disk, network).
function exitCodeOf(error: Error): 1 | 2 | 3 {
  if ('exitCode' in error && typeof error.exitCode === 'number') return error.exitCode as 1 | 2 | 3
  return 'code' in error && typeof error.code === 'string' && environmentHint(error.code) ? 3 : 1
}

function environmentHint(code: string): string | undefined {
  switch (code) {
    case 'ENOENT':
      return 'Check the path; paths are relative to the project folder.'
    case 'EACCES':
    case 'EPERM':
      return 'Give this user permission to read or write there.'
    case 'EEXIST':
      return 'It already exists: name another path, or remove it.'
    case 'ENOSPC':
      return 'The disk is full. Free some space and run again; the run resumes from its last checkpoint.'
    case 'EMFILE':
      return 'Too many open files: raise `ulimit -n`.'
    default:
      return undefined
  }
}
