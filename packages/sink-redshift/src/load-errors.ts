/**
 * Which row of which file a failed COPY was about. A load fails as a whole, and its message only names the table that
 * has the reason: STL_LOAD_ERRORS on a provisioned cluster, SYS_LOAD_ERROR_DETAIL without servers (Redshift's developer
 * guide, both).
 */
import { SystemError } from '@millrace/core'
import type { Client } from '@millrace/client-postgres/driver'

interface Detail {
  readonly file: string
  readonly line: string | number
  readonly column: string
  readonly type: string
  readonly value: string | null
  readonly reason: string
}

const queries = [
  `SELECT filename AS "file", line_number AS "line", colname AS "column", type AS "type", raw_field_value AS "value",
          err_reason AS "reason"
   FROM stl_load_errors WHERE session = pg_backend_pid() ORDER BY starttime DESC LIMIT 1`,
  `SELECT file_name AS "file", line_number AS "line", column_name AS "column", column_type AS "type",
          NULL AS "value", error_message AS "reason"
   FROM sys_load_error_detail WHERE session_id = pg_backend_pid() ORDER BY start_time DESC LIMIT 1`,
]

/** Whether a failed statement has its reason in a system table. */
export const isLoadError = (error: unknown): boolean =>
  error instanceof Error && /(stl_load_errors|sys_load_error_detail)/i.test(error.message)

const longest = 100
const shortened = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text)

/** The error of a load that failed, with its row. `client`: the connection of the load, after its rollback. */
export async function loadError(client: Client, table: string, error: Error): Promise<SystemError> {
  const found = await firstOf(client)
  const what = found
    ? `${found.file.trim()}, line ${found.line}, column ${found.column.trim()} (${found.type.trim()})${
        found.value === null ? '' : `, value ${JSON.stringify(shortened(found.value.trimEnd()))}`
      }: ${found.reason.trim()}`
    : error.message
  return new SystemError('load_failed', `Redshift cannot load into the table ${table}: ${what}`, {
    hint: 'nothing of this load is in the table; was the table altered since the run started? the staged files are kept: correct the table and run again, or start over: pipe state reset PIPELINE',
  })
}

async function firstOf(client: Client): Promise<Detail | undefined> {
  for (const query of queries) {
    // One of the two may not be there, or not be allowed.
    const rows = await client.query<Detail>(query).then(
      (result) => result.rows,
      () => [],
    )
    if (rows[0]) return rows[0]
  }
  return undefined
}
