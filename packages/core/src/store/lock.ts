/**
 * `lock.db` holds a committed row that names the holder, and a write transaction that is open for the life of the process (invariant 10): a second process is refused
 * and can read who holds it. The lock file is never opened by other means in this process: closing any descriptor of a file drops the POSIX locks the process has on it.
 */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../errors.ts'

/** Connections live as long as they are listed here: one that the garbage collector closes would drop the lock. */
export const held = new Set<DatabaseSync>()

export function closeAll(connections: readonly DatabaseSync[]): void {
  for (const db of connections) {
    held.delete(db)
    db.close()
  }
}

const describeHolder = (row: Record<string, unknown> | undefined): string =>
  row ? `process ${row['pid']} on ${row['host']}, since ${row['since']}` : 'another process'

/** Takes the lock of a state folder. Throws `locked` when another process has it. */
export function takeLock(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 })
  try {
    lock.exec(
      'CREATE TABLE IF NOT EXISTS holder (id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER, host TEXT, since TEXT)',
    )
    lock.exec('BEGIN IMMEDIATE')
    const since = new Date().toISOString()
    lock.prepare('INSERT OR REPLACE INTO holder VALUES (1, ?, ?, ?)').run(process.pid, hostname(), since)
    lock.exec('COMMIT; BEGIN IMMEDIATE')
    // Between the two transactions another process may have come in: the row tells whose lock it is.
    const row = lock.prepare('SELECT * FROM holder').get()
    if (row?.['pid'] !== process.pid || row['since'] !== since) throw new Error('overtaken')
    held.add(lock)
    return lock
  } catch (cause) {
    let holder = 'another process'
    try {
      if (lock.isTransaction) lock.exec('ROLLBACK')
      holder = describeHolder(lock.prepare('SELECT * FROM holder').get())
    } catch {}
    lock.close()
    throw new MillraceError('locked', `this pipeline is already running: ${holder} holds ${folder}`, {
      hint: 'wait until it has ended, or stop it (SIGTERM drains); one state folder serves one process',
      exitCode: 3,
      cause,
    })
  }
}

/** Who holds the lock right now; undefined: nobody. Only for processes that do not hold it themselves. */
export function holderOf(folder: string): string | undefined {
  const path = join(folder, 'lock.db')
  if (!existsSync(path)) return undefined
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('BEGIN IMMEDIATE; ROLLBACK')
    return undefined
  } catch {
    return describeHolder(lock.prepare('SELECT * FROM holder').get())
  } finally {
    lock.close()
  }
}
