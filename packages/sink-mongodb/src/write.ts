/**
 * Writes a batch: one operation per key, all in one unordered bulk write, round after round until every record is
 * stored or known to be faulty.
 *
 * Records of one key are coalesced, so the order of a key cannot break: an upsert writes the last of them, a set all
 * their fields in order. If the last cannot be stored, the one before it is tried, and so on. An operation that failed
 * because another client created the key at the same moment is repeated. If an answer is lost, the engine repeats the
 * whole batch, which is harmless, since all operations are by key.
 */
import { aborted, type Records, type SinkContext, SystemError, throwFailures, type WriteFailure } from '@millrace/core'
import { type Ask, bulkWrite, type Fault, type Stored } from './bulk.ts'
import {
  answered,
  type Collection,
  connect,
  disconnect,
  type MongoClient,
  NeverEnding,
  scrubbed,
  systemError,
} from '@millrace/client-mongodb/driver'
import { compileOperations, type Preparing, type Refuse } from './operations.ts'
import type { Options } from './options.ts'

/** How often an operation is repeated here if someone else created its key at the same moment. */
const retries = 5

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

async function writeAll(
  records: Records,
  preparing: Preparing,
  collection: Collection<Stored>,
  o: Options,
  ask: Ask,
): Promise<void> {
  if (records.length === 0) return
  const failures = new Map<number, WriteFailure>()
  const refuse: Refuse = (index, code, message, field, kind = 'data') => {
    failures.set(index, { index, kind, code, message, field })
  }
  const { byKey: waiting, operation } = preparing.prepare(records, refuse)
  /** Keys whose records are tried one by one, to find out which of them cannot be merged. */
  const alone = new Set<string>()
  const tries = new Map<string, number>()
  while (waiting.size > 0) {
    const round = [...waiting]
    const isFirstOnly = (key: string) => preparing.oneByOne || alone.has(key)
    const operations = round.map(([key, of]) => operation(key, of, isFirstOnly(key)))
    const faults = await bulkWrite(operations, collection, o, ask)
    for (const [k, [key, of]] of round.entries()) {
      const left = remaining(key, of, faults.get(k))
      if (left.length > 0) waiting.set(key, left)
      else waiting.delete(key)
    }

    /** Records one operation's outcome; returns which of its key's records are still to be written. */
    function remaining(key: string, of: readonly number[], fault: Fault | undefined): number[] {
      const first = isFirstOnly(key)
      if (!fault) return first ? of.slice(1) : []
      if (fault.kind === 'taken') {
        const again = (tries.get(key) ?? 0) + 1
        tries.set(key, again)
        if (again < (preparing.oneByOne ? 2 : retries)) return [...of]
        if (preparing.oneByOne) {
          tries.delete(key)
          refuse(of[0]!, 'key_exists', `a document with the key ${key} already exists, from another record`)
          return of.slice(1)
        }
      }
      if (fault.kind !== 'data') {
        for (const i of of) refuse(i, fault.code, fault.message, undefined, 'system')
        return []
      }
      if (preparing.merges && !first && of.length > 1) {
        alone.add(key)
        return [...of]
      }
      const at = first ? 0 : of.length - 1
      refuse(of[at]!, fault.code, fault.message)
      return of.toSpliced(at, 1)
    }
  }
  throwFailures([...failures.values()])
}
