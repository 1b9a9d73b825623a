/**
 * Writes batches to a table. Records of one key are coalesced, so the order of a key cannot break. If an answer is
 * lost, the engine repeats the whole batch, which is harmless, since all requests are by key.
 */
import {
  type Records,
  type SinkContext,
  SystemError,
  throwFailures,
  unlessAborted,
  type WriteContext,
  type WriteFailure,
} from '@millrace/core'
import { keyFields } from '@millrace/kinds'
import { idAttribute, keyLayout, layoutText, type KeyAttribute, tableOf } from '@millrace/client-dynamodb'
import { openTables, RefusedRequest, type TableFacts, type Tables } from '@millrace/client-dynamodb/driver'
import { type Change, compileChanges } from './changes.ts'
import { guardAll } from './guard.ts'
import { indexesOf } from './indexes.ts'
import { insertAll } from './inserts.ts'
import type { Options } from './options.ts'
import { putAll } from './puts.ts'
import { updateAll } from './updates.ts'

export interface OpenTable {
  write(records: Records, ctx: WriteContext): Promise<void>
  close(): void
}

/** Connects, and creates the table with its indexes if it does not exist. Throws `SystemError`. */
export async function openTable(
  o: Options,
  ctx: SinkContext,
  { signal, warn }: { readonly signal: AbortSignal; warn(message: string): void },
): Promise<OpenTable> {
  const table = tableOf(o, o.collection)
  const tables = openTables(o, ctx)
  try {
    const layout = await unlessAborted(ready(tables, table, o, ctx, warn), signal, 'connecting to DynamoDB')
    const prepare = compileChanges(o, ctx, layout)
    const indexed = new Set((o.indexes ?? []).flat())
    const isInsert = o.write === 'insert' && keyFields(o) !== undefined
    const writeAll = (changes: readonly Change[], abort: AbortSignal, failures: WriteFailure[]) => {
      if (o.write === 'set') return updateAll(changes, indexed, table, tables, abort, failures)
      if (isInsert) return insertAll(changes, table, tables, abort, failures)
      return putAll(changes, o.write === 'delete', table, tables, abort, failures)
    }
    return {
      async write(records, { signal: abort, superseded }) {
        const failures: WriteFailure[] = []
        const changes = prepare(records, failures)
        const writing = o.guard
          ? guardAll(changes, records, o, ctx.schema, table, tables, abort, failures)
          : writeAll(changes, abort, failures)
        const older = await unlessAborted<number | void>(writing, abort, 'writing to DynamoDB')
        if (older) superseded?.(older)
        throwFailures(failures)
      },
      close: () => tables.close(),
    }
  } catch (error) {
    tables.close()
    if (!(error instanceof RefusedRequest)) throw error
    throw new SystemError('refused', `DynamoDB refuses the table ${table}: ${error.message}`, { cause: error })
  }
}

/** Finds the table or makes it; returns how its documents are found. */
async function ready(
  tables: Tables,
  table: string,
  o: Options,
  ctx: SinkContext,
  warn: (message: string) => void,
): Promise<readonly KeyAttribute[]> {
  const wanted = keyLayout(keyFields(o), ctx.schema)
  const indexes = indexesOf(o, ctx.schema)
  let found = await tables.facts(table)
  if (!found) {
    await tables.create(table, wanted, indexes)
    found = (await tables.facts(table)) ?? { id: '', key: wanted, indexes, items: 0 }
  }
  for (const { name } of indexes)
    if (!found.indexes.some((each) => each.name === name))
      warn(`the table ${table} has no index ${name}: it was made without it, and look-ups by it read the whole table`)
  return usable(found, wanted, table)
}

/** A table that was made otherwise is used if its key can be told from the records: by these fields, or by `_id`. */
function usable(found: TableFacts, wanted: readonly KeyAttribute[], table: string): readonly KeyAttribute[] {
  const text = layoutText(found.key)
  if (text === layoutText(wanted) || text === layoutText([idAttribute])) return found.key
  throw new SystemError('store_failed', `the key of the table ${table} is ${text}, not ${layoutText(wanted)}`, {
    hint: 'name its attributes as `key`, in their order and with their types, or choose another collection',
  })
}
