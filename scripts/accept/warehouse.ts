/** The rows of a table, read by SQLite's own reader or by the driver of PostgreSQL, whose protocol Redshift speaks. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import type { Place } from './stores.ts'

type Row = Record<string, unknown>

/** Rows with these columns. Redshift folds their names; 64-bit integers are numbers if these hold them. */
export async function* rowsOf(place: Place, table: string, columns: readonly string[]): AsyncGenerator<Row> {
  if (place.profile === 'local') {
    const db = new DatabaseSync(join(place.folder, '.millrace/local/store.db'), { readOnly: true })
    try {
      yield* db
        .prepare(`SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM "${table}"`)
        .iterate() as Iterable<Row>
    } finally {
      db.close()
    }
    return
  }
  const isRedshift = place.profile === 'aws'
  const client = new Client({ connectionString: place.env[isRedshift ? 'REDSHIFT_URL' : 'POSTGRES_URL']! })
  await client.connect()
  try {
    const stored = (name: string) => `"${isRedshift ? name.toLowerCase() : name}"`
    const chosen = columns.map((name) => `${stored(name)} AS "${name}"`).join(', ')
    await client.query('BEGIN')
    const from = `"${place.env['NAME_PREFIX'] ?? ''}public"."${table}"`
    await client.query(`DECLARE rows CURSOR FOR SELECT ${chosen} FROM ${from}`)
    for (;;) {
      const { rows, fields } = await client.query<Row>('FETCH 10000 FROM rows')
      if (rows.length === 0) break
      const long = fields.filter(({ dataTypeID }) => dataTypeID === int8).map(({ name }) => name)
      for (const row of rows) {
        for (const name of long) if (row[name] !== null) row[name] = Number(row[name])
        yield row
      }
    }
  } finally {
    await client.end()
  }
}

/** The driver gives it as text. */
const int8 = 20
