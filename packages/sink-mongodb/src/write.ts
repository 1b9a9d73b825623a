/**
 * Opens a collection and writes batches to it. If an answer is lost, the engine repeats the whole batch, which is
 * harmless, since all operations are by key.
 */
import { aborted, type Records, type SinkContext, SystemError } from '@millrace/core'
import type { Stored } from './bulk.ts'
import {
  answered,
  connect,
  disconnect,
  type MongoClient,
  NeverEnding,
  scrubbed,
  systemError,
} from '@millrace/client-mongodb/driver'
import { refuseTwins } from './ids.ts'
import { compileOperations } from './operations.ts'
import type { Options } from './options.ts'
import { writeAll } from './rounds.ts'

export interface OpenCollection {
  write(records: Records, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Connects, and creates the collection and its indexes if they do not exist. Throws `SystemError`. */
export async function openCollection(o: Options, ctx: SinkContext, signal: AbortSignal): Promise<OpenCollection> {
  const connected = (abort: AbortSignal) =>
    connect(o, ctx, abort).catch((error: unknown) => {
      throw abort.aborted ? aborted('connecting to MongoDB') : error
    })
  let client: MongoClient | undefined = await connected(signal)
  const end = async () => {
    const ended = client
    client = undefined
    if (ended) await disconnect(ended)
  }
  try {
    const db = client.db(o.database)
    const collection = db.collection<Stored>(o.collection)
    const creating = { signal, doing: 'waiting for MongoDB to create a collection', isLong: true }
    const prepare = <T>(promise: Promise<T>) => answered(client!, promise, creating)
    await prepare(db.createCollection(o.collection, o.collection_options ?? {}).catch(unlessCode(48, 13)))
    for (const fields of o.indexes ?? [])
      await prepare(collection.createIndex(Object.fromEntries(fields.map((field) => [field, 1]))))
    await refuseTwins(collection, o, prepare).catch(unlessCode(13))
    const preparing = compileOperations(o, ctx)
    return {
      async write(records, abort) {
        const used = (client ??= await connected(abort))
        const written = used.db(o.database).collection<Stored>(o.collection)
        const waiting = { signal: abort, doing: 'waiting for MongoDB to write documents' }
        const ask = <T>(operation: Promise<T>) => answered(used, operation, waiting)
        try {
          await writeAll(records, preparing, written, o, ask)
        } catch (error) {
          // A write that is still under way on its connections would be carried out after later ones.
          if (error instanceof NeverEnding) await end()
          throw error
        }
      },
      close: end,
    }
  } catch (error) {
    await end()
    throw (
      systemError(error, o) ??
      new SystemError(
        'refused',
        `MongoDB refuses the collection ${o.collection} or an index of it: ${scrubbed(error, o)}`,
      )
    )
  }
}

/**
 * Ignores errors with these codes: NamespaceExists, and Unauthorized, since writing does not need the right to create.
 */
const unlessCode =
  (...codes: number[]) =>
  (error: unknown): void => {
    if (!codes.includes(Number((error as { code?: unknown }).code))) throw error
  }
