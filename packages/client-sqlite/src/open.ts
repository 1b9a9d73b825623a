/**
 * The embedded store: one SQLite file, shared by pipelines and readable while they write. WAL, and a commit is on disk
 * when it returns.
 *
 * `node:sqlite` is synchronous and blocks the process while it waits, so a lock is polled in short attempts, with
 * pauses in between that a signal can end.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { busyMs, MillraceError, SystemError, retryWhileBusy } from '@millrace/core'
import { giveIds, tablesWithRows } from './ids.ts'

/**
 * Opens the store for writing and runs `setUp` in one transaction. Throws `SystemError`, and errors of `setUp`; then
 * nothing stays open.
 */
export async function openStoreWriter(
  path: string,
  signal: AbortSignal,
  setUp: (db: DatabaseSync) => void,
): Promise<DatabaseSync> {
  const db = openFile(path)
  try {
    await transaction(db, path, signal, () => {
      const before = tablesWithRows(db)
      setUp(db)
      giveIds(db, before)
    })
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function openFile(path: string): DatabaseSync {
  return guarded(path, () => {
    mkdirSync(dirname(path), { recursive: true })
    const db = new DatabaseSync(path, { timeout: busyMs })
    try {
      // A statement of many rows keeps an undo journal, which is written to a file by default. A log that a long reader
      // let grow is truncated.
      db.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216',
      )
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

/** Opens the store for reading. Throws `SystemError`; `not_found` if there is no such file. */
export function openStoreReader(path: string): DatabaseSync {
  if (!existsSync(path))
    throw new SystemError('not_found', `there is no store at ${path}`, {
      hint: 'it is created by the first pipeline that writes to it',
    })
  return guarded(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: busyMs })
    try {
      db.exec('PRAGMA query_only = ON')
      db.prepare('SELECT count(*) FROM sqlite_schema').get()
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

function guarded<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw storeError(error, path) ?? error
  }
}

/**
 * Retries until the lock is free, the signal aborts, or 30 s have passed. Throws `SystemError`, and errors of `body`.
 */
const whileStoreBusy = <T>(path: string, signal: AbortSignal, body: () => T): Promise<T> =>
  retryWhileBusy(path, signal, () => guarded(path, body))

/**
 * One transaction. Waits while another connection writes, until the signal or for 30 s. From its beginning to its
 * end nothing else runs, not even another connection of this process: that would block the process on a lock that
 * only it can release. On failure it rolls back and throws `SystemError` if the store failed, else the error of the
 * body.
 */
export async function transaction<T>(db: DatabaseSync, path: string, signal: AbortSignal, body: () => T): Promise<T> {
  const outcome = await whileStoreBusy(path, signal, () => {
    db.exec('BEGIN IMMEDIATE')
    // Only to begin may be tried again.
    try {
      const result = body()
      db.exec('COMMIT')
      return { result }
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      return { error: storeError(error, path) ?? error }
    }
  })
  if ('error' in outcome) throw outcome.error
  return outcome.result
}

interface SqliteError extends Error {
  readonly code: 'ERR_SQLITE_ERROR'
  readonly errcode: number
}

const isSqlite = (error: unknown): error is SqliteError =>
  error instanceof Error && (error as Partial<SqliteError>).code === 'ERR_SQLITE_ERROR'

/**
 * A failure of the store itself; undefined: the error is about a statement or its values, or not from SQLite. Result
 * codes: sqlite.org/rescode.html.
 */
export function storeError(error: unknown, path: string): SystemError | undefined {
  if (error instanceof SystemError || error instanceof MillraceError) return undefined
  if (!isSqlite(error)) return fileError(error, path)
  const { message } = error
  const make = (code: string, what: string, hint: string, retry = false) =>
    new SystemError(code, `the store ${path} ${what}: ${message}`, { retry, hint, cause: error })
  switch (error.errcode & 255) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return make(
        'store_busy',
        'is locked by another process',
        'end the process that holds it, such as a shell with an open transaction or a backup',
        true,
      )
    case 3: // SQLITE_PERM
    case 8: // SQLITE_READONLY
    case 14: // SQLITE_CANTOPEN
    case 23: // SQLITE_AUTH
      return make(
        'store_unwritable',
        'cannot be opened or written',
        'check that the folder exists and that this user may write there',
      )
    case 1: // SQLITE_ERROR: of a statement that was valid when it was prepared
    case 17: // SQLITE_SCHEMA
      return malformed(error)
        ? undefined
        : make(
            'store_changed',
            'was changed while it was in use',
            'do not drop or alter its tables while a pipeline runs',
          )
    case 10: // SQLITE_IOERR
      return make('store_io', 'cannot be read or written', 'check the disk; everything saved before is still there')
    case 13: // SQLITE_FULL
      return make('disk_full', 'cannot grow', 'free disk space and run again: everything saved before is still there')
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return make(
        'store_corrupt',
        'is not a valid SQLite file',
        'restore it from a copy, or move it away to start with an empty one',
      )
    default:
      return rowError(error)
        ? undefined
        : make('store_failed', 'failed', 'run again; if it persists, check the disk and the store')
  }
}

/** A document that an index cannot read: SQLite reads JSON to a depth of 1,000. */
const malformed = (error: SqliteError): boolean => error.message.includes('malformed JSON')

function fileError(error: unknown, path: string): SystemError | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  if (!code || !/^E[A-Z]+$/.test(code)) return undefined
  return new SystemError(
    code === 'ENOSPC' ? 'disk_full' : 'store_unwritable',
    `the store ${path} cannot be created: ${(error as Error).message}`,
    {
      hint: 'check that the folder exists and that this user may write there',
      cause: error,
    },
  )
}

/** An SQLite error about a row: a value that its column or a rule of the table refuses; undefined: something else. */
export function rowError(error: unknown): { readonly code: string; readonly message: string } | undefined {
  if (!isSqlite(error)) return undefined
  const code = { 1: malformed(error) ? 'too_deep' : undefined, 18: 'too_large', 19: 'constraint', 20: 'not_storable' }[
    error.errcode & 255
  ]
  return code === undefined ? undefined : { code, message: `the store refuses the record: ${error.message}` }
}

/** Whether a table is a collection: documents as JSON text by key. */
export function isCollection(db: DatabaseSync, table: string): boolean {
  return (
    columnsOf(db, table)
      .map((column) => column.name)
      .join() === 'id,doc,record'
  )
}

/** A column of a table. */
export interface Column {
  readonly name: string
  /** As declared: `TEXT`. */
  readonly type: string
  readonly required: boolean
  /** Its position in the primary key, from 1; 0: not part of it. */
  readonly key: number
}

/** The columns of a table, in order; empty: there is no such table. */
export function columnsOf(db: DatabaseSync, table: string): readonly Column[] {
  return db
    .prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)')
    .all(table)
    .map((row) => ({
      name: String(row['name']),
      type: String(row['type']).toUpperCase(),
      required: row['notnull'] === 1,
      key: Number(row['pk']),
    }))
}

/** The name by which a table's rowid can be had: one that no column has; undefined: all are taken. */
export function rowidOf(columns: readonly { readonly name: string }[]): string | undefined {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name))
}

/** The tables and collections of the store. */
export function tablesOf(db: DatabaseSync): readonly string[] {
  const rows = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_millrace%' ESCAPE '\\' ORDER BY name`,
    )
    .all()
  return rows.map((row) => String(row['name']))
}

/** The actual name of a table: SQLite treats `Invoice` and `invoice` as the same; undefined: there is none. */
export function tableNamed(db: DatabaseSync, name: string): string | undefined {
  const row = db
    .prepare(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE`)
    .get(name)
  return row && String(row['name'])
}
