/** A table with typed columns: created from the record's type, or checked if it exists. */
import type { RecordType } from '@millrace/core'
import { identifier } from '@millrace/client-postgres'
import type { Client } from '@millrace/client-postgres/driver'
import { type Column, columnFaults, tableDiffers } from '@millrace/kinds'
import { canStore, columnType } from './columns.ts'
import type { Options } from './options.ts'

/** The columns of a table, in order; empty: it does not exist. */
export async function columnsOf(client: Client, schema: string, table: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `SELECT a.attname AS "name", format_type(a.atttypid, a.atttypmod) AS "type", a.attnotnull AS "required",
            a.atthasdef OR a.attidentity <> '' AS "hasDefault"
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [schema, table],
  )
  return rows
}

/** Creates the table, or throws `table_differs` if the existing one cannot store the records. Returns its columns. */
export async function createTable(
  client: Client,
  { schema, table }: Options,
  record: RecordType,
  key: readonly string[] = [],
): Promise<Column[]> {
  const there = await columnsOf(client, schema, table)
  if (there.length === 0) {
    const definitions = Object.entries(record.fields).map(
      ([name, { type, optional }]) =>
        `${identifier(name)} ${columnType(type)}${optional && !key.includes(name) ? '' : ' NOT NULL'}`,
    )
    if (key.length > 0) definitions.push(`PRIMARY KEY (${key.map(identifier).join(', ')})`)
    await client.query(`CREATE TABLE ${identifier(schema)}.${identifier(table)} (${definitions.join(', ')})`)
    return columnsOf(client, schema, table)
  }
  const wrong = columnFaults(there, record, canStore)
  if (key.length > 0 && !(await hasUniqueIndex(client, schema, table, key)))
    wrong.push(`no unique index covers exactly ${key.join(', ')}`)
  if (wrong.length > 0) throw tableDiffers(table, wrong)
  return there
}

async function hasUniqueIndex(client: Client, schema: string, table: string, key: readonly string[]): Promise<boolean> {
  const { rows } = await client.query<{ names: string[] }>(
    `SELECT array_agg(a.attname::text) AS names
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
     WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
     GROUP BY i.indexrelid`,
    [schema, table],
  )
  return rows.some(({ names }) => names.length === key.length && key.every((name) => names.includes(name)))
}

/** After `LIKE target`: the rules that a row of the target obeys, apart from those about other rows. */
export const rulesOfTarget = 'INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING GENERATED'
