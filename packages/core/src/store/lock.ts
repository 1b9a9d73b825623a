/**
 * `lock.db` has a committed row that names the holder, and a write transaction that stays open for the life of the
 * process (invariant 10): a second process is refused and can read who holds the lock. This process never opens the
 * file by other means, since closing any descriptor of a file drops the process's POSIX locks on it.
 */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import { isBusy } from './busy.ts'
import { stateError } from './file.ts'

/** Keeps connections reachable: if the garbage collector closed one, its lock would be dropped. */
export const openConnections = new Set<DatabaseSync>()

export function closeAll(connections: readonly DatabaseSync[]): void {
  for (const db of connections) {
    openConnections.delete(db)
    if (db.isOpen) db.close()
  }
}

const describeHolder = (row: Record<string, unknown> | undefined): string =>
  row ? `process ${row['pid']} on ${row['host']}, since ${row['since']}` : 'another process'

/**
 * Takes the lock of a state folder. Throws `locked` when another process has it; `taken` says what that means, as the
 * beginning of a sentence.
 */
export function takeLock(folder: string, taken = 'this pipeline is already running'): DatabaseSync {
  const path = join(folder, 'lock.db')
  let lock: DatabaseSync
  try {
    lock = new DatabaseSync(path, { timeout: 0 })
  } catch (cause) {
    throw stateError(path, cause)
  }
  try {
    lock.exec(
      'CREATE TABLE IF NOT EXISTS holder (id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER, host TEXT, since TEXT)',
    )
    lock.exec('BEGIN IMMEDIATE')
    const since = new Date(systemClock.now()).toISOString()
    lock.prepare('INSERT OR REPLACE INTO holder VALUES (1, ?, ?, ?)').run(process.pid, hostname(), since)
    lock.exec('COMMIT; BEGIN IMMEDIATE')
    // Another process may have come in between the two transactions: the row says who holds the lock.
    const row = lock.prepare('SELECT * FROM holder').get()
    if (row?.['pid'] !== process.pid || row['since'] !== since) throw lockedBy(folder, taken, describeHolder(row))
    openConnections.add(lock)
    return lock
  } catch (cause) {
    const holder = isBusy(cause) ? holderIn(lock) : undefined
    lock.close()
    if (holder !== undefined) throw lockedBy(folder, taken, holder, cause)
    throw cause instanceof MillraceError ? cause : stateError(path, cause)
  }
}

function holderIn(lock: DatabaseSync): string {
  try {
    if (lock.isTransaction) lock.exec('ROLLBACK')
    return describeHolder(lock.prepare('SELECT * FROM holder').get())
  } catch {
    return 'another process'
  }
}

const lockedBy = (folder: string, taken: string, holder: string, cause?: unknown): MillraceError =>
  new MillraceError('locked', `${taken}: ${holder} holds ${folder}`, {
    hint: 'wait until it has ended, or stop it (SIGTERM drains); a state folder serves one process at a time',
    exitCode: 3,
    cause,
  })

/**
 * Holds a folder for this process, as a running pipeline holds its state; the returned function lets it go. Throws
 * `locked`, see `takeLock`.
 */
export function holdFolder(folder: string, taken: string): () => void {
  const lock = takeLock(folder, taken)
  return () => closeAll([lock])
}

/** Who holds the lock now; undefined: nobody. Only for processes that do not hold it themselves. */
export function holderOf(folder: string): string | undefined {
  const path = join(folder, 'lock.db')
  if (!existsSync(path)) return undefined
  let lock: DatabaseSync
  try {
    lock = new DatabaseSync(path, { timeout: 0 })
  } catch {
    return undefined
  }
  try {
    lock.exec('BEGIN IMMEDIATE; ROLLBACK')
    return undefined
  } catch (error) {
    return isBusy(error) ? holderIn(lock) : undefined
  } finally {
    lock.close()
  }
}
