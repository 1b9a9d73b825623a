/** The rows of a table, read by SQLite's own reader or by the driver of PostgreSQL, whose protocol Redshift speaks. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import type { Place } from './stores.ts'

type Row = Record<string, unknown>

/**
 * Rows with these columns. Redshift folds their names; 64-bit integers are numbers. `exact`: values of PostgreSQL are
 * the texts that it prints, and integers of SQLite keep all their digits.
 */
export async function* rowsOf(
  place: Place,
  table: string,
  columns: readonly string[],
  exact = false,
): AsyncGenerator<Row> {
  if (place.profile === 'local') {
    const db = new DatabaseSync(join(place.folder, '.millrace/local/store.db'), { readOnly: true })
    try {
      const select = db.prepare(`SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM "${table}"`)
      select.setReadBigInts(exact)
      yield* select.iterate() as Iterable<Row>
    } finally {
      db.close()
    }
    return
  }
  const isRedshift = place.profile === 'aws'
  const client = await connectTo(place)
  try {
    const chosen = columns.map((name) => `"${isRedshift ? name.toLowerCase() : name}"`).join(', ')
    const { rows, fields } = await client.query<Row>({
      text: `SELECT ${chosen} FROM ${tableIn(place, table)}`,
      ...(exact ? { types: { getTypeParser: () => String } } : {}),
    })
    // Redshift folds the names of results as well.
    const isLong = fields.map(({ dataTypeID }) => !exact && dataTypeID === int8)
    for (const row of rows) {
      const values = columns.map((name, i) => {
        const value = row[fields[i]!.name]
        return [name, isLong[i] && value !== null ? Number(value) : value] as const
      })
      yield Object.fromEntries(values)
    }
  } finally {
    await client.end()
  }
}

/** The table in the place's schema. */
export const tableIn = ({ env }: Place, table: string): string => `"${env['NAME_PREFIX'] ?? ''}public"."${table}"`

/** A connection to the place's server, in UTC. */
export async function connectTo({ profile, env }: Place): Promise<Client> {
  const client = new Client({ connectionString: env[profile === 'aws' ? 'REDSHIFT_URL' : 'POSTGRES_URL']! })
  await client.connect()
  // Redshift's zone is UTC.
  if (profile !== 'aws') await client.query("SET TIME ZONE 'UTC'")
  return client
}

/** The driver gives it as text. */
const int8 = 20
