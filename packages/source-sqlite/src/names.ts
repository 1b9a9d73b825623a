/** The error for a collection or table that does not exist. */
import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/core'
import { isCollection, tableNamed, tablesOf } from '@millrace/client-sqlite'

/** Lists what exists instead. */
export function unknownName(db: DatabaseSync, name: string): MillraceError {
  const there = tablesOf(db)
  const exists = tableNamed(db, name)
  const hint =
    exists === name
      ? `${name} is a ${isCollection(db, name) ? 'collection' : 'table'}: read it with \`${isCollection(db, name) ? 'collection' : 'table'}:\``
      : there.length > 0
        ? `the store has ${there.join(', ')}`
        : 'the store is empty: run a pipeline that writes to it first'
  return new MillraceError('unknown_collection', `the store has no such collection or table: ${name}`, {
    hint,
    exitCode: 3,
  })
}
