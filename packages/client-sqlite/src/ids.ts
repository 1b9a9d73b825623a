/**
 * Distinguishes a store from one that replaced it, and a table from one that was emptied or recreated: random ids in a
 * table of their own. Opening the store for writing assigns them; files of other programs have none.
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { identifier } from './names.ts'

/** The ids of a store and of one of its tables; absent: it has none. */
export interface StoreIds {
  readonly store?: string
  readonly table?: string
}

/** The row without a name is the store itself. */
const create =
  'CREATE TABLE IF NOT EXISTS _millrace_ids (name TEXT PRIMARY KEY NOT NULL, id TEXT NOT NULL) STRICT, WITHOUT ROWID'

/** The existing tables, and which of them have rows. Not those of modules, which may be missing here. */
export function tablesWithRows(db: DatabaseSync): ReadonlyMap<string, boolean> {
  const names = db
    .prepare(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_millrace%' ESCAPE '\\'`,
    )
    .all()
    .map((row) => String(row['name']))
  const hasRows = (name: string) => db.prepare(`SELECT 1 FROM ${identifier(name)} LIMIT 1`).get() !== undefined
  return new Map(names.map((name) => [name, hasRows(name)]))
}

/** Assigns ids to tables without one, and new ones to tables that were created or emptied since `before`. */
export function giveIds(db: DatabaseSync, before: ReadonlyMap<string, boolean>): void {
  db.exec(create)
  const keep = db.prepare('INSERT OR IGNORE INTO _millrace_ids VALUES (?, ?)')
  const renew = db.prepare('INSERT OR REPLACE INTO _millrace_ids VALUES (?, ?)')
  keep.run('', randomUUID())
  for (const [name, hasRows] of tablesWithRows(db)) {
    const isNew = !before.has(name) || (before.get(name) && !hasRows)
    ;(isNew ? renew : keep).run(name, randomUUID())
  }
}

/** The ids of the store and of this table. */
export function readIds(db: DatabaseSync, table: string): StoreIds {
  if (!db.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_millrace_ids'`).get()) return {}
  const find = db.prepare('SELECT id FROM _millrace_ids WHERE name = ?')
  const idOf = (name: string) => find.get(name)?.['id'] as string | undefined
  const [store, own] = [idOf(''), idOf(table)]
  return { ...(store === undefined ? {} : { store }), ...(own === undefined ? {} : { table: own }) }
}
