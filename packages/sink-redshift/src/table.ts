/** A table with typed columns: created from the record's type, or checked if it exists. */
import { MillraceError, type RecordType } from '@millrace/core'
import { identifier } from '@millrace/client-postgres'
import type { Client } from '@millrace/client-postgres/driver'
import { type Column, columnFaults, tableDiffers } from '@millrace/kinds'
import { canStore, columnOf, columnType } from './columns.ts'
import type { Options } from './options.ts'

/** A row of SVV_COLUMNS. Numbers may arrive as texts. */
interface Described {
  readonly name: string
  readonly type: string
  readonly length: string | number | null
  readonly precision: string | number | null
  readonly scale: string | number | null
  readonly nullable: string
  readonly has_default: boolean
}

/** The columns of a table, in order; empty: it does not exist. Redshift's developer guide, "SVV_COLUMNS". */
export async function columnsOf(client: Client, schema: string, table: string): Promise<Column[]> {
  const { rows } = await client.query<Described>(
    `SELECT column_name AS "name", data_type AS "type", character_maximum_length AS "length",
            numeric_precision AS "precision", numeric_scale AS "scale", is_nullable AS "nullable",
            column_default IS NOT NULL AS "has_default"
     FROM svv_columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`,
    [schema.toLowerCase(), table.toLowerCase()],
  )
  return rows.map((row) => ({
    name: row.name,
    type: typeOf(row),
    required: row.nullable.trim() === 'NO',
    hasDefault: row.has_default,
  }))
}

function typeOf({ type, length, precision, scale }: Described): string {
  if (/^(character|binary) varying$/.test(type) && length !== null) return `${type}(${Number(length)})`
  return type === 'numeric' ? `numeric(${Number(precision)},${Number(scale)})` : type
}

/**
 * Creates the table if it may, or throws `table_differs` if the existing one cannot store the records. Returns its
 * columns. No key is declared: Redshift would not enforce it, and may plan queries as if it held.
 */
export async function createTable(
  client: Client,
  { schema, table, create, max_text_bytes }: Options,
  record: RecordType,
  key: readonly string[],
): Promise<Column[]> {
  const there = await columnsOf(client, schema, table)
  if (there.length > 0) {
    const wrong = columnFaults(there, record, canStore, columnOf)
    if (wrong.length > 0) throw tableDiffers(table, wrong)
    return there
  }
  if (!create)
    throw new MillraceError('table_differs', `there is no table ${schema}.${table}, and \`create\` is false`, {
      hint: 'create it, correct `schema` and `table`, or remove `create: false`',
      exitCode: 3,
    })
  const definitions = Object.entries(record.fields).map(
    ([name, { type, optional }]) =>
      `${identifier(columnOf(name))} ${columnType(type, max_text_bytes)}${optional && !key.includes(name) ? '' : ' NOT NULL'}`,
  )
  await client.query(`CREATE TABLE ${identifier(schema)}.${identifier(table)} (${definitions.join(', ')})`)
  return columnsOf(client, schema, table)
}
