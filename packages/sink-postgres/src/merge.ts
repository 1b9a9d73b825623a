/**
 * Rows in typed columns by key: repeated rows replace themselves. A write is one transaction.
 *
 * With `write: delete`, which only `on_null` sets, the rows of the keys are deleted instead.
 */
import { type Sink, type SinkContext, throwFailures, type WriteFailure } from '@millrace/core'
import { identifier } from '@millrace/client-postgres'
import { type Client, copyIn, Session } from '@millrace/client-postgres/driver'
import { keyFields, linesOf } from '@millrace/kinds'
import { compileLine } from './columns.ts'
import type { Options } from './options.ts'
import { store } from './rows.ts'
import { createTable, rulesOfTarget } from './table.ts'

const incoming = '_millrace_incoming'

/** Makes the sink. `key` is set. */
export function mergeSink(o: Options, ctx: SinkContext): Sink {
  const key = keyFields(o)!
  const isRemoval = (o.write as string) === 'delete'
  const names = isRemoval ? key : Object.keys(ctx.schema.fields)
  const written = { fields: Object.fromEntries(names.map((name) => [name, ctx.schema.fields[name]!])) }
  const columns = names.map(identifier).join(', ')
  const target = `${identifier(o.schema)}.${identifier(o.table)}`
  // With the rules of the target, so that every row is judged, also one that a later row of its key replaces.
  const prepare = (client: Client) =>
    client.query(
      isRemoval
        ? `CREATE TEMP TABLE ${incoming} ON COMMIT DELETE ROWS AS SELECT ${columns}, 0::bigint AS "_millrace_at" FROM ${target} WITH NO DATA`
        : `CREATE TEMP TABLE ${incoming} (LIKE ${target} ${rulesOfTarget}, "_millrace_at" bigint NOT NULL) ON COMMIT DELETE ROWS`,
    )
  const rest = names
    .filter((name) => !key.includes(name))
    .map((name) => `${identifier(name)} = excluded.${identifier(name)}`)
  const keys = key.map(identifier).join(', ')
  // A statement may not update a row twice: of several rows of a key only the last counts.
  const merge = `INSERT INTO ${target} (${columns})
    SELECT DISTINCT ON (${keys}) ${columns} FROM ${incoming} ORDER BY ${keys}, "_millrace_at" DESC
    ON CONFLICT (${keys}) ${rest.length > 0 ? `DO UPDATE SET ${rest.join(', ')}` : 'DO NOTHING'}`
  const remove = `DELETE FROM ${target} USING ${incoming} WHERE ${key
    .map((name) => `${target}.${identifier(name)} = ${incoming}.${identifier(name)}`)
    .join(' AND ')}`
  const session = new Session(o, ctx, prepare)
  let lineOf: ReturnType<typeof compileLine>
  return {
    async open({ signal }) {
      const opening = new Session(o, ctx)
      try {
        lineOf = await opening.transaction(signal, 'opening the table', '', async (client) =>
          compileLine(written, await createTable(client, o, ctx.schema, key)),
        )
      } finally {
        await opening.close()
      }
    },
    async write(records, { signal }) {
      if (records.length === 0) return
      const failures: WriteFailure[] = []
      const lines = linesOf(records, lineOf, failures, key)
      await session.transaction(signal, 'writing', '', (client) =>
        store(
          client,
          lines,
          async (some) => {
            await client.query(`TRUNCATE ${incoming}`)
            const text = some.map((line) => `${line.text}\t${line.index}\n`).join('')
            await copyIn(client, `COPY ${incoming} (${columns}, "_millrace_at") FROM STDIN`, Buffer.from(text))
            await client.query(isRemoval ? remove : merge)
          },
          failures,
        ),
      )
      throwFailures(failures)
    },
    close: () => session.close(),
  }
}
