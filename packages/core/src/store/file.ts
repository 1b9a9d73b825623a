/**
 * `state.db`: its tables, and how it is opened. A format number and an application id identify the file, so that a file
 * of another version or program, or a damaged one, is reported and left unchanged.
 */
import { chmodSync, existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../errors/index.ts'

/** Incremented when the tables change, or what steps save in them. */
const formatVersion = 7
/** "Mill" in ASCII. */
const applicationId = 0x4d696c6c

const tables = `
CREATE TABLE run (incarnation INTEGER PRIMARY KEY, id TEXT NOT NULL, epoch INTEGER NOT NULL, ended INTEGER NOT NULL, token TEXT NOT NULL,
  signature TEXT NOT NULL, began INTEGER NOT NULL, counted_from INTEGER NOT NULL);
CREATE TABLE counter (node TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE position (source TEXT, split TEXT, json TEXT, ended INTEGER NOT NULL, PRIMARY KEY (source, split)) WITHOUT ROWID;
CREATE TABLE lane (source TEXT, lane TEXT, high INTEGER, state TEXT NOT NULL, floor INTEGER, PRIMARY KEY (source, lane)) WITHOUT ROWID;
CREATE TABLE source_memory (source TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (source, key)) WITHOUT ROWID;
CREATE TABLE step (id TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE step_memory (step TEXT, key TEXT, split TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (step, key, split)) WITHOUT ROWID;
CREATE TABLE sink (id TEXT PRIMARY KEY, resume TEXT, unfinished INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stage (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, sink TEXT NOT NULL, json TEXT NOT NULL);
CREATE TABLE commit_action (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, source TEXT NOT NULL, split TEXT NOT NULL,
  json TEXT, ended INTEGER NOT NULL);
CREATE TABLE ordered (component TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE letter (id TEXT, node TEXT, state TEXT NOT NULL, PRIMARY KEY (id, node)) WITHOUT ROWID;`

/** Opens the file of a folder, and creates it if it does not exist. */
export function openStateFile(path: string): DatabaseSync {
  return guarded(path, () => {
    const isNew = !existsSync(path)
    const db = new DatabaseSync(path, { timeout: 10_000 })
    try {
      if (isNew) chmodSync(path, 0o600)
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE')
      if (isEmpty(db))
        db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion}; ${tables}`)
      db.exec('COMMIT')
      refuseOther(db, path)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

/**
 * Opens the file of a folder for reading; undefined: nothing is saved yet. A process that died early leaves it empty.
 */
export function readStateFile(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined
  return guarded(path, () => {
    const db = new DatabaseSync(path, { timeout: 10_000 })
    try {
      if (isEmpty(db)) {
        db.close()
        return undefined
      }
      refuseOther(db, path)
      return db
    } catch (error) {
      if (db.isOpen) db.close()
      throw error
    }
  })
}

const isEmpty = (db: DatabaseSync): boolean => db.prepare('SELECT 1 FROM sqlite_master').get() === undefined

function refuseOther(db: DatabaseSync, path: string): void {
  const number = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get()!)[0])
  const version = number('user_version')
  if (number('application_id') === applicationId && version === formatVersion) return
  const what =
    number('application_id') === applicationId
      ? `${path} was saved by another version of Millrace (format ${version}, this version uses ${formatVersion})`
      : `${path} belongs to another program or to an early version of Millrace`
  throw new MillraceError('state_foreign', what, { hint: setAside, exitCode: 2 })
}

const setAside =
  'it was left unchanged. Use the version that saved it, or set it aside and start over: pipe state reset PIPELINE'

/** Turns errors of SQLite and the file system into ones that name the file. */
function guarded<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw stateError(path, cause)
  }
}

/** A failure of a state file, as an error with a hint. */
export function stateError(path: string, cause: unknown): MillraceError {
  const { errcode, code, message } = cause as { errcode?: number; code?: string; message: string }
  const primary = errcode === undefined ? undefined : errcode & 0xff
  // SQLITE_CORRUPT, SQLITE_NOTADB
  if (primary === 11 || primary === 26)
    return new MillraceError('state_corrupt', `${path} is damaged: ${message}`, { hint: setAside, exitCode: 3, cause })
  // SQLITE_READONLY, SQLITE_CANTOPEN, and the file system's codes
  if (primary === 8 || primary === 14 || code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return new MillraceError('state_unwritable', `${path} cannot be written: ${message}`, {
      hint: 'give the user of this process write permission for the folder, or keep the state elsewhere: --state-dir',
      exitCode: 3,
      cause,
    })
  return new MillraceError('state_unwritable', `the state could not be saved to ${path}: ${message}`, {
    hint: 'free disk space or repair the disk, then run again: everything saved before is still there',
    exitCode: 3,
    cause,
  })
}

/** The identity of the file at a path; undefined: there is none. */
export function fileAt(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found && `${found.dev}:${found.ino}`
}
