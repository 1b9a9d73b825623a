/** Rows in typed columns by key: repeated rows replace themselves. A write is one transaction. */
import type { DatabaseSync } from 'node:sqlite'
import type { Sink, SinkContext, WriteFailure } from '@millrace/core'
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
      const good: number[] = []
      for (let i = 0; i < records.length; i++) {
        const missing = key.find((name) => (records.rows[i]![name] ?? null) === null)
        if (missing === undefined) good.push(i)
        else
          failures.push({
            index: i,
            kind: 'data',
            code: 'null_key',
            message: `the key ${key.join(', ')} has a part that is null`,
            field: missing,
          })
      }
      await transaction(db, path, signal, () => put(records, good, failures))
      throwFailures(failures)
    },
    async close() {
      if (db?.isOpen) db.close()
    },
  }
}
