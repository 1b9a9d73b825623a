/** Positions, and the collection they belong to. */
import { type Json, MillraceError, type Row } from '@millrace/core'
import { bsonBytes } from '@millrace/client-mongodb'
import { answered, fromExtendedJson, type MongoClient, toExtendedJson } from '@millrace/client-mongodb/driver'
import type { Options } from './options.ts'

/** Where reading continues, and in which collection. */
interface Position {
  /** The UUID that the server has given the collection; if there is none, database and name. */
  readonly collection: string
  /** The key of the last document: text, or extended JSON that keeps its type. */
  readonly after: string | { readonly key: string }
}

/**
 * Identifies the collection, as opposed to a recreated one of the same name. Throws `MillraceError` if there is none.
 */
export async function identityOf(client: MongoClient, o: Options, signal: AbortSignal): Promise<string> {
  const db = client.db(o.database)
  const name = o.collection
  const all = await answered(client, db.listCollections().toArray(), { signal, doing: 'waiting for MongoDB' })
  const found = all.find((each) => each.name === name)
  if (found) {
    const uuid = bsonBytes((found as { readonly info?: { readonly uuid?: unknown } }).info?.uuid)
    return uuid ? Buffer.from(uuid).toString('hex') : `${db.databaseName}.${name}`
  }
  throw new MillraceError('unknown_collection', `the database ${db.databaseName} has no collection ${name}`, {
    hint:
      all.length > 0
        ? `it has ${all
            .map((each) => each.name)
            .toSorted((a, b) => (a < b ? -1 : 1))
            .join(', ')}`
        : 'it is empty: run a pipeline that writes to it first',
    exitCode: 3,
  })
}

/** Positions in the collection of this identity. */
export function placeOf(o: Options, collection: string) {
  return {
    position: (key: unknown): Json =>
      ({
        collection,
        after: typeof key === 'string' ? key : { key: toExtendedJson({ _id: key }) },
      }) satisfies Position,
    /** The key to continue after; undefined: from the beginning. Throws `source_replaced`. */
    after(saved: Json | undefined): unknown {
      if (saved === undefined) return undefined
      const { collection: read, after } = saved as unknown as Position
      if (read === collection) return typeof after === 'string' ? after : (fromExtendedJson(after.key) as Row)['_id']
      throw new MillraceError(
        'source_replaced',
        `the collection ${o.collection} of ${o.database} is not the one that was read before`,
        {
          place: `${o.database}, ${o.collection}`,
          hint: 'if this is intended, discard its positions: pipe state reset PIPELINE; or give the source a new id',
        },
      )
    },
  }
}
