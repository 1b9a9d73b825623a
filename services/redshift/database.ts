/** The database behind the stand-in, and the system tables of Redshift that it has. */
import { Client } from 'pg'

/** The name of the database. */
export const database = 'dev'

/** r_STL_LOAD_ERRORS.html, SYS_LOAD_ERROR_DETAIL.html, r_SVV_COLUMNS.html. */
const setup = `
  CREATE SCHEMA IF NOT EXISTS redshift;
  CREATE TABLE IF NOT EXISTS redshift.stl_load_errors (
    session int, starttime timestamp DEFAULT clock_timestamp(), filename char(256), line_number bigint,
    colname char(127), type char(10), col_length char(10), raw_field_value char(1024), err_code int, err_reason char(100));
  CREATE OR REPLACE VIEW redshift.sys_load_error_detail AS
    SELECT session AS session_id, starttime AS start_time, filename AS file_name, line_number, colname AS column_name,
           type AS column_type, err_code AS error_code, err_reason AS error_message
    FROM redshift.stl_load_errors;
  CREATE OR REPLACE VIEW redshift.svv_columns AS
    SELECT table_catalog::varchar, table_schema::varchar, table_name::varchar, column_name::varchar, ordinal_position::int,
           column_default::varchar, is_nullable::varchar,
           CASE data_type WHEN 'bytea' THEN 'binary varying' ELSE data_type END::varchar AS data_type,
           character_maximum_length::int, numeric_precision::int, numeric_scale::int
    FROM information_schema.columns;
  CREATE OR REPLACE FUNCTION redshift.refuse(code text, message text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message; END $$;
  ALTER DATABASE ${database} SET search_path = "$user", public, redshift;
`

/** The address of another database of the same server. */
export function addressOf(postgres: string, name: string): string {
  const url = new URL(postgres)
  url.pathname = name
  return url.href
}

/** Creates what is missing. Throws while the server does not answer. */
export async function createDatabase(postgres: string): Promise<void> {
  await asked(postgres, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${database}`)
  })
  await asked(addressOf(postgres, database), (client) => client.query(setup))
}

/** What a load failed at. */
export interface LoadFault {
  readonly file: string
  readonly line: number
  readonly column: string
  readonly type: string
  readonly value: string
  readonly code: number
  readonly reason: string
}

/** Keeps it: outside the transaction of the load, which is rolled back. */
export async function keepFault(postgres: string, session: number, fault: LoadFault): Promise<void> {
  const { file, line, column, type, value, code, reason } = fault
  await asked(addressOf(postgres, database), (client) =>
    client.query(
      `INSERT INTO redshift.stl_load_errors (session, filename, line_number, colname, type, raw_field_value, err_code, err_reason)
       VALUES ($1, left($2, 256), $3, left($4, 127), left($5, 10), left($6, 1024), $7, left($8, 100))`,
      [session, file, line, column, type, value, code, reason],
    ),
  )
}

async function asked<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end()
  }
}
