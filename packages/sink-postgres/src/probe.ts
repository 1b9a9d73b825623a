/** What `pipe doctor` finds. */
import type { Env } from '@millrace/core'
import { addressOf, Session } from '@millrace/client-postgres/driver'
import type { Options } from './options.ts'
import { columnsOf } from './table.ts'

/** Connects, and says whether the table exists. */
export async function probe(o: Options, env: Env, signal: AbortSignal): Promise<string> {
  const session = new Session(o, env)
  try {
    return await session.run(signal, 'connecting', async (client) => {
      const columns = await columnsOf(client, o.schema, o.table)
      const what = columns.length > 0 ? `it has the table ${o.table}` : `it will get the table ${o.table}`
      return `connected to ${addressOf(o)}: ${what}`
    })
  } finally {
    await session.close()
  }
}
