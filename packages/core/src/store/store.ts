/**
 * The state of one pipeline: `<state folder>/<pipeline>[.i-n]/lock.db` and `state.db`.
 *
 * `save` writes positions, state, sink resumes, stages, duties and source memory of one cut in ONE transaction with
 * synchronous=FULL (invariant 2); that one transaction is what makes a restart right.
 */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openStateFile, readStateFile, stateError } from './file.ts'
import { closeAll, held, holderOf, takeLock } from './lock.ts'
import { overviewOf, reading } from './reading.ts'
import type { Overview } from './saved.ts'
import { writing } from './writing.ts'

type Reading = ReturnType<typeof reading>
type Writing = ReturnType<typeof writing>

/** The state of one pipeline, held by this process. */
export interface Store extends Reading, Writing {
  /** A random value of this start of the process; what it writes carries it. */
  readonly start: string
  overview(): Overview
  close(): void
}

/** The state of one pipeline as somebody else sees it. */
export interface StoreReader extends Reading {
  /** The process that holds it; undefined: none. */
  holder(): string | undefined
  overview(): Overview
  close(): void
}

/** The state folder's name of a pipeline's instance. */
export const stateFolder = (
  home: string,
  pipeline: string,
  instance: { readonly i: number; readonly n: number } = { i: 0, n: 1 },
): string => join(home, instance.n > 1 ? `${pipeline}.${instance.i}-${instance.n}` : pipeline)

/** The file of a state folder in which everything is saved. */
export const stateFile = (folder: string): string => join(folder, 'state.db')

/**
 * Opens the state of a pipeline and takes its lock. Throws `locked` when another process has it, `state_unwritable`
 * where the folder cannot be written, `state_corrupt` and `state_foreign` for a file that is not a state of this
 * version.
 */
export function openStore(folder: string): Store {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw stateError(folder, cause)
  }
  const lock = takeLock(folder)
  try {
    const path = stateFile(folder)
    const db = openStateFile(path)
    held.add(db)
    const start = randomBytes(8).toString('hex')
    return {
      ...reading(db, folder),
      ...writing(db, path, start),
      start,
      overview: () => overviewOf(db),
      close: () => closeAll([db, lock]),
    }
  } catch (error) {
    closeAll([lock])
    throw error
  }
}

/** Opens the state for looking at it while another process may run; saves nothing. Undefined: there is none. */
export function readStore(folder: string): StoreReader | undefined {
  const db = readStateFile(stateFile(folder))
  if (!db) return undefined
  held.add(db)
  return {
    ...reading(db, folder),
    holder: () => holderOf(folder),
    overview: () => overviewOf(db),
    close: () => closeAll([db]),
  }
}
