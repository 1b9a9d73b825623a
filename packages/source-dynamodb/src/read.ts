/**
 * Reads a table once through, with consistent reads, a megabyte per request; the next request is under way while a page
 * is being processed. The order is the service's own, by a hash of the partition key, and a scan continues after any
 * key, so a batch may end inside a page.
 */
import {
  type BadRecord,
  type Batch,
  type Json,
  type ReadContext,
  type Row,
  type SourceContext,
  SystemError,
  unknownOf,
} from '@millrace/core'
import { type Item, type KeyAttribute, sizeOf, tableOf } from '@millrace/client-dynamodb'
import { openTables, type Page, RefusedRequest, unknownTable } from '@millrace/client-dynamodb/driver'
import { compileDecoder, type Decoded, itemBytes, keyContext } from './decode.ts'
import type { Options } from './options.ts'
import { keyTexts, placeOf, positionText } from './position.ts'

/** Items in a batch. A page has at most 1 MB of them. */
const batchSize = 1000

/** Throws `SystemError`, and `MillraceError` if there is no such table or it is a different one. */
export async function* readTable(
  o: Options,
  ctx: SourceContext,
  { signal, resume }: ReadContext,
): AsyncGenerator<Batch> {
  const tables = openTables(o, ctx, signal)
  const table = tableOf(o, o.collection)
  try {
    const facts = await tables.facts(table)
    if (!facts) throw await unknownTable(tables, o, o.collection, 3)
    const { key } = facts
    const place = placeOf(table, facts.id, key)
    const tally = { unknown: 0 }
    const decode = compileDecoder(ctx, key, tally)
    const context = keyContext(key)
    const scan = (from: Item | undefined): Promise<Page> => {
      const page = tables.scan(table, { ConsistentRead: true, ExclusiveStartKey: from })
      // It is awaited later, or never if the run stops.
      page.catch(() => {})
      return page
    }
    let position = resume(o.collection)
    let pending: Promise<Page> | undefined = scan(place.after(position))
    while (pending) {
      const { items, next }: Page = await pending
      pending = next && scan(next)
      for (let at = 0; at === 0 || at < items.length; at += batchSize) {
        const some = items.slice(at, at + batchSize)
        const last = some.at(-1)
        if (last) position = place.position(last)
        const end = !pending && at + batchSize >= items.length
        // An empty table has no position.
        if (position !== undefined)
          yield { ...toBatch(o.collection, some, key, decode, position, end), context, ...unknownOf(tally) }
        signal.throwIfAborted()
      }
    }
  } catch (error) {
    if (signal.aborted) return
    throw error instanceof RefusedRequest
      ? new SystemError('refused', `DynamoDB refuses to read the table ${table}: ${error.message}`, { cause: error })
      : error
  } finally {
    tables.close()
  }
}

function toBatch(
  split: string,
  items: readonly Item[],
  key: readonly KeyAttribute[],
  decode: (item: Item) => Decoded,
  position: Json,
  end: boolean,
): Batch {
  const rows: Row[] = []
  const good: number[] = []
  const bad: BadRecord[] = []
  let bytes = 0
  const positionOf = (i: number) => positionText(keyTexts(items[i]!, key))
  for (const [i, item] of items.entries()) {
    const decoded = decode(item)
    bytes += sizeOf(item)
    if ('row' in decoded) {
      rows.push(decoded.row)
      good.push(i)
    } else
      bad.push({
        position: positionOf(i),
        bytes: itemBytes(item),
        before: rows.length,
        context: keyContext(key),
        ...decoded,
      })
  }
  return {
    split,
    rows,
    position,
    bytes,
    positionAt: (i) => positionOf(good[i]!),
    rawAt: (i) => itemBytes(items[good[i]!]!),
    ...(bad.length > 0 ? { bad } : {}),
    ...(end ? { end } : {}),
  }
}

/** Runs work with an open connection, for `infer` and `probe`. */
export async function withTables<T>(
  o: Options,
  env: Pick<SourceContext, 'pipeline'>,
  signal: AbortSignal,
  work: (tables: ReturnType<typeof openTables>, table: string) => Promise<T>,
): Promise<T> {
  const tables = openTables(o, env, signal)
  try {
    return await work(tables, tableOf(o, o.collection))
  } catch (error) {
    throw error instanceof RefusedRequest
      ? new SystemError('refused', `DynamoDB refuses the request: ${error.message}`, { cause: error })
      : error
  } finally {
    tables.close()
  }
}
