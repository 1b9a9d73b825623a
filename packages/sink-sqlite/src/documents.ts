/**
 * Documents in a collection: a table of key, JSON text and, for documents inserted with a key other than the record id,
 * the id of the record. The table has rowids, since otherwise every index would repeat a long key.
 *
 * A write is one transaction, in which records are encoded as they are written, so that only a few large ones are in
 * memory as text. Records that cannot be stored are reported by index, and the rest is written. Writing the same
 * records again leaves the same documents.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type Records, type Sink, type SinkContext, throwFailures, toJson, type WriteFailure } from '@millrace/core'
import { compileSet, keyFields } from '@millrace/kinds'
import { openStoreWriter, transaction } from '@millrace/client-sqlite'
import { createCollection } from './collection.ts'
import { setAll } from './document-sets.ts'
import { compileDocument, compileKeys, type TextOf } from './document-text.ts'
import { insertAll, prepareWrites, upsertAll, type Writes } from './document-writes.ts'
import { type Options, writeOf } from './options.ts'
import type { Refuse } from './refuse.ts'

/** Makes the sink. `collection` is set. */
export function documentsSink(o: Options, ctx: SinkContext, path: string): Sink {
  const collection = o.collection!
  const write = writeOf(o)
  const keyOf = compileKeys(ctx.schema, keyFields(o))
  const documentOf = compileDocument(ctx.schema, o.nulls)
  const fieldsOf = write === 'set' ? compileSet(o, ctx.schema, toJson) : undefined
  let db: DatabaseSync
  let sql: Writes

  const writeAll = (records: Records, refuse: Refuse): void => {
    const key = keyOf(records, refuse)
    if (write === 'set') return setAll(sql, fieldsOf!, records, key, refuse)
    if (write === 'delete') {
      for (let i = 0; i < records.length; i++) {
        const made = key(i)
        if (made !== undefined) sql.remove.run(made)
      }
      return
    }
    const document: TextOf = (i) => documentOf(records.rows[i]!, i, refuse)
    if (write === 'insert' && o.key !== undefined) insertAll(sql, records, key, document, refuse)
    else upsertAll(sql, records.length, key, document, refuse)
  }

  return {
    async open({ signal }) {
      db = await openStoreWriter(path, signal, (made) => createCollection(made, collection, o.indexes ?? []))
      sql = prepareWrites(db, collection)
    },

    async write(records, { signal }) {
      if (records.length === 0) return
      const failures: WriteFailure[] = []
      const refuse: Refuse = (index, code, message, field) =>
        failures.push({ index, kind: 'data', code, message, field })
      await transaction(db, path, signal, () => writeAll(records, refuse))
      throwFailures(failures)
    },

    async close() {
      if (db?.isOpen) db.close()
    },
  }
}
