/**
 * The state of one pipeline: `<state folder>/<pipeline>[.i-n]/lock.db` and `state.db`.
 *
 * `save` writes the positions, state, sink resume data, stages, commit actions and source memory of one barrier in ONE
 * transaction with synchronous=FULL (invariant 2). Restarts are correct because of this one transaction.
 */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openStateFile, readStateFile, stateError } from './file.ts'
import { closeAll, openConnections, holderOf, takeLock } from './lock.ts'
import { overviewOf, stateReader } from './reading.ts'
import type { Overview } from './saved.ts'
import { stateWriter } from './writing.ts'

type Reading = ReturnType<typeof stateReader>
type Writing = ReturnType<typeof stateWriter>

/** The state of one pipeline, held by this process. */
export interface Store extends Reading, Writing {
  /** A random value of this process start; everything it writes carries it. */
  readonly start: string
  overview(): Overview
  close(): void
}

/** The state of one pipeline, read by a process that does not hold it. */
export interface StoreReader extends Reading {
  /** The process that holds it; undefined: none. */
  holder(): string | undefined
  overview(): Overview
  close(): void
}

/** The state folder of a pipeline's instance. */
export const stateFolder = (
  home: string,
  pipeline: string,
  instance: { readonly i: number; readonly n: number } = { i: 0, n: 1 },
): string => join(home, instance.n > 1 ? `${pipeline}.${instance.i}-${instance.n}` : pipeline)

/** The database of a state folder. */
export const stateFile = (folder: string): string => join(folder, 'state.db')

/**
 * Opens the state of a pipeline and takes its lock. Throws `locked` if another process holds it, `state_unwritable` if
 * the folder cannot be written, `state_corrupt` and `state_foreign` for a file that is not a state of this version.
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
    openConnections.add(db)
    const start = randomBytes(8).toString('hex')
    return {
      ...stateReader(db, folder),
      ...stateWriter(db, path, start),
      start,
      overview: () => overviewOf(db),
      close: () => closeAll([db, lock]),
    }
  } catch (error) {
    closeAll([lock])
    throw error
  }
}

/** Opens the state read-only, while another process may hold it. Undefined: there is none. */
export function readStore(folder: string): StoreReader | undefined {
  const db = readStateFile(stateFile(folder))
  if (!db) return undefined
  openConnections.add(db)
  return {
    ...stateReader(db, folder),
    holder: () => holderOf(folder),
    overview: () => overviewOf(db),
    close: () => closeAll([db]),
  }
}
