/**
 * The table of a collection and its indexes.
 *
 * Decision: docs/decisions/20261121-embedded-store-layout.md
 */
import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/core'
import { columnsOf, documentField, identifier, isCollection, tableNamed } from '@millrace/client-sqlite'

/**
 * Creates the collection and its indexes if they do not exist. Throws `MillraceError` if a table of this name is
 * something else.
 */
export function createCollection(db: DatabaseSync, collection: string, indexes: readonly (readonly string[])[]): void {
  const there = tableNamed(db, collection)
  if (there !== undefined && there !== collection) {
    throw new MillraceError(
      'name_taken',
      `the collection ${collection} cannot be created: the store has ${there}, and SQLite does not distinguish upper and lower case`,
      {
        hint: `use the name ${there}, or another`,
        exitCode: 3,
      },
    )
  }
  const table = identifier(collection)
  db.exec(`CREATE TABLE IF NOT EXISTS ${table} (id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL, record TEXT) STRICT`)
  if (!isCollection(db, collection)) {
    const columns = columnsOf(db, collection).map((column) => column.name)
    throw new MillraceError(
      'name_taken',
      `${collection} is a table with the columns ${columns.join(', ')}, not a collection of documents`,
      {
        hint: 'choose another name, or write to it with `table:`',
        exitCode: 3,
      },
    )
  }
  for (const fields of indexes) {
    const name = identifier(`${collection}: ${fields.join(', ')}`)
    db.exec(`CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${fields.map(documentField).join(', ')})`)
  }
}
