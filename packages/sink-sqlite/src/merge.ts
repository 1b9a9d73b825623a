/** Rows in typed columns by key: repeated rows replace themselves. A write is one transaction. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Records, RecordType, Sink, SinkContext, WriteFailure } from '@millrace/core'
import { identifier, openStoreWriter, transaction } from '@millrace/client-sqlite'
import { keyFields } from '@millrace/kinds'
import { compileBinder, createTable } from './columns.ts'
import type { Options } from './options.ts'
import { compileInserter, type Inserter, throwFailures } from './rows.ts'

/** Makes the sink. `table` and `key` are set. */
export function mergeSink(o: Options, ctx: SinkContext, path: string): Sink {
  const key = keyFields(o)!
  const binder = compileBinder(ctx.schema)
  let db: DatabaseSync
  let put: Inserter
  return {
    async open({ signal }) {
      db = await openStoreWriter(path, signal, (made) => createTable(made, o.table!, ctx.schema, key))
      const rest = binder.names
        .filter((name) => !key.includes(name))
        .map((name) => `${identifier(name)} = excluded.${identifier(name)}`)
      const update = rest.length > 0 ? `DO UPDATE SET ${rest.join(', ')}` : 'DO NOTHING'
      const columns = binder.names.map(identifier).join(', ')
      put = compileInserter(
        db,
        `INSERT INTO ${identifier(o.table!)} (${columns})`,
        ` ON CONFLICT (${key.map(identifier).join(', ')}) ${update}`,
        binder,
      )
    },
    async write(records, { signal }) {
      if (records.length === 0) return
      const failures: WriteFailure[] = []
      const good = withKeys(records, key, failures)
      await transaction(db, path, signal, () => put(records, good, failures))
      throwFailures(failures)
    },
    async close() {
      if (db?.isOpen) db.close()
    },
  }
}

/** Deletes the rows of the keys of what it is given. `table` and `key` are set. */
export function removingSink(o: Options, ctx: SinkContext, path: string): Sink {
  const key = keyFields(o)!
  const fields = Object.fromEntries(key.map((name) => [name, ctx.schema.fields[name]!]))
  const binder = compileBinder({ fields } satisfies RecordType)
  const where = binder.names.map((name) => `${identifier(name)} = ?`).join(' AND ')
  let db: DatabaseSync
  return {
    async open({ signal }) {
      db = await openStoreWriter(path, signal, (made) => createTable(made, o.table!, ctx.schema, key))
    },
    async write(records, { signal }) {
      const failures: WriteFailure[] = []
      const values = new Array<SQLInputValue>(key.length)
      await transaction(db, path, signal, () => {
        const remove = db.prepare(`DELETE FROM ${identifier(o.table!)} WHERE ${where}`)
        for (const index of withKeys(records, key, failures)) {
          const wrong = binder.bind(records.rows[index]!, values, 0)
          if (wrong) failures.push({ index, kind: 'data', ...wrong })
          else remove.run(...values)
        }
      })
      throwFailures(failures)
    },
    async close() {
      if (db?.isOpen) db.close()
    },
  }
}

/** The indexes of the records that have a key. */
function withKeys(records: Records, key: readonly string[], failures: WriteFailure[]): number[] {
  const good: number[] = []
  for (let index = 0; index < records.length; index++) {
    const field = key.find((name) => (records.rows[index]![name] ?? null) === null)
    if (field === undefined) good.push(index)
    else {
      const message = `the key ${key.join(', ')} has a part that is null`
      failures.push({ index, kind: 'data', code: 'null_key', message, field })
    }
  }
  return good
}
