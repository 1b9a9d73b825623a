/** A table that Redshift loads itself, by COPY. */
import type { SinkContext } from '@millrace/core'
import {
  type Client,
  createLedger,
  isExisting,
  type Note,
  noteOf,
  openLoad,
  type Owner,
  ownerOf,
  Session,
} from '@millrace/client-postgres/driver'
import type { Column } from '@millrace/kinds'
import { loadByCopy, lockOf } from './copy.ts'
import { isLoadError, loadError } from './load-errors.ts'
import { connectionOf, type Options } from './options.ts'
import { createTable } from './table.ts'
import type { Target } from './target.ts'

/** Opens nothing yet. `key`: of a merge; empty: rows are added. */
export function copyTarget(o: Options, ctx: SinkContext, key: readonly string[]): Target {
  const session = new Session(connectionOf(o), ctx)
  let owner: Owner
  let columns: readonly Column[] = []
  let published: Note | undefined
  return {
    get published() {
      return published
    },
    async open(opening, load, saved) {
      const { signal, existing = o.existing } = opening
      owner = ownerOf(o.schema.toLowerCase(), o.table.toLowerCase(), `${ctx.pipeline}/${ctx.id}`, opening)
      await session.run(signal, 'creating the ledger', (client) => createLedgerOnce(client, owner))
      return session.transaction(signal, 'opening the table', lockOf(owner), async (client) => {
        columns = await createTable(client, o, ctx.schema, key)
        // By key, an older state writes the same again.
        published =
          key.length > 0
            ? await noteOf(client, owner, load)
            : await openLoad(client, owner, load, saved, existing, ctx.id)
        return columns
      })
    },
    async load(stage, signal) {
      let refused: Error | undefined
      try {
        published = await session.transaction(signal, 'loading', lockOf(owner), (client) =>
          loadByCopy(client, { owner, options: o, columns }, stage).catch((error: unknown) => {
            if (isLoadError(error)) refused = error as Error
            throw error
          }),
        )
      } catch (error) {
        if (!refused) throw error
        const why = refused
        throw await session.run(signal, 'asking why a load failed', (client) => loadError(client, o.table, why))
      }
    },
    close: () => session.close(),
  }
}

/** Two loaders that start at once may both find that it is missing. */
async function createLedgerOnce(client: Client, owner: Owner): Promise<void> {
  await createLedger(client, owner, 'varchar(1024)').catch((error: unknown) => {
    if (!isExisting(error)) throw error
  })
}
