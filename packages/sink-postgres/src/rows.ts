/**
 * Puts the rows of one write on the server; a row that it refuses is reported by index, and the others are stored.
 *
 * All rows go in one COPY. If the server refuses it, the halves are tried, and so on: a refused row costs a few more
 * statements, and needs no parsing of messages.
 */
import type { WriteFailure } from '@millrace/core'
import { attempt, type Client, refusalOf } from '@millrace/client-postgres/driver'
import type { Line } from '@millrace/kinds'

/** Stores lines in order, in a transaction. Returns how many were not refused. */
export async function store(
  client: Client,
  lines: readonly Line[],
  put: (lines: readonly Line[]) => Promise<unknown>,
  failures: WriteFailure[],
): Promise<number> {
  if (lines.length === 0) return 0
  let refused: ReturnType<typeof refusalOf>
  await attempt(
    client,
    () => put(lines),
    (error) => (refused = refusalOf(error)) !== undefined,
  )
  if (!refused) return lines.length
  if (lines.length === 1) {
    failures.push({ index: lines[0]!.index, kind: 'data', ...refused })
    return 0
  }
  const half = lines.length >> 1
  return (
    (await store(client, lines.slice(0, half), put, failures)) + (await store(client, lines.slice(half), put, failures))
  )
}
