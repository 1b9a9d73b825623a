/**
 * Reads a collection up to its end at the start of reading, in the order of `_id`, with one query per page of at most a
 * thousand documents or 16 MiB. A cursor expires after ten idle minutes; a key does not. The bounds are index bounds,
 * not comparisons, so keys of several types are read in MongoDB's order, and none is skipped.
 */
import {
  type BadRecord,
  type Batch,
  type Json,
  MillraceError,
  type ReadContext,
  type Row,
  type SourceContext,
  SystemError,
  unknownOf,
} from '@millrace/core'
import {
  answered,
  connect,
  disconnect,
  type Document,
  scrubbed,
  sizeOf,
  systemError,
  toExtendedJson,
} from '@millrace/client-mongodb/driver'
import { compileDecoder, type Decoded } from './decode.ts'
import { identityOf, placeOf } from './position.ts'
import type { Options } from './options.ts'

/** Documents per query, and the approximate maximum size of a batch of them. */
const pageSize = 1000
const batchBytes = 1 << 20

/** Throws `SystemError`, and `MillraceError` if there is no such collection. */
export async function* readCollection(
  o: Options,
  ctx: SourceContext,
  { signal, resume }: ReadContext,
): AsyncGenerator<Batch> {
  const client = await connect(o, ctx, signal)
  try {
    const db = client.db(o.database)
    const place = placeOf(o, await identityOf(client, o, signal))
    let last = place.after(resume(o.collection))
    const collection = db.collection<Row & Document>(o.collection)
    const waiting = { signal, doing: 'waiting for MongoDB' }
    const [end] = await answered(
      client,
      collection.find({}, { sort: { _id: -1 }, projection: { _id: 1 }, limit: 1 }).toArray(),
      waiting,
    )
    if (!end) return
    const lastKey = toExtendedJson(end['_id'])
    // Expressions compare across types, as the index does.
    const upToEnd = { $lte: ['$_id', { $literal: end['_id'] }] }
    const tally = { unknown: 0 }
    const decode = compileDecoder(ctx, tally)
    for (let isLast = false; !isLast; ) {
      // The lower bound is inclusive, so the last document read is excluded by its value.
      const [bounds, wanted] =
        last === undefined
          ? [{}, upToEnd]
          : [
              { min: { _id: last }, hint: { _id: 1 } as const },
              { $and: [upToEnd, { $ne: ['$_id', { $literal: last }] }] },
            ]
      const question = { sort: { _id: 1 }, limit: pageSize, batchSize: pageSize, singleBatch: true } as const
      const reply = collection.find({ $expr: wanted }, { ...bounds, ...question }).toArray()
      const found = await answered(client, reply, waiting)
      // Everything was deleted meanwhile.
      if (found.length === 0 && last === undefined) return
      const through = found.at(-1)?.['_id']
      isLast = found.length === 0 || toExtendedJson(through) === lastKey
      for (let at = 0; at === 0 || at < found.length; ) {
        const documents = partOf(found, at)
        at += Math.max(1, documents.length)
        last = documents.at(-1)?.['_id'] ?? last
        const isEnd = isLast && at >= found.length
        yield { ...toBatch(o.collection, documents, decode, place.position(last), isEnd), ...unknownOf(tally) }
        signal.throwIfAborted()
      }
    }
  } catch (error) {
    if (signal.aborted) return
    throw (
      systemError(error, o) ??
      (error instanceof MillraceError
        ? error
        : new SystemError('refused', `MongoDB refuses to read ${o.collection}: ${scrubbed(error, o)}`))
    )
  } finally {
    await disconnect(client)
  }
}

/** Documents from `at` on, up to about `batchBytes`. */
function partOf(found: readonly Row[], at: number): readonly Row[] {
  let next = at
  for (let bytes = 0; next < found.length && bytes < batchBytes; next++) bytes += sizeOf(found[next]!)
  return found.slice(at, next)
}

function toBatch(
  split: string,
  documents: readonly Row[],
  decode: (document: Row) => Decoded,
  position: Json,
  end: boolean,
): Batch {
  const rows: Row[] = []
  const good: number[] = []
  const bad: BadRecord[] = []
  let bytes = 0
  const keyAt = (i: number) => keyText(documents[i]!['_id'])
  const rawAt = (i: number) => Buffer.from(toExtendedJson(documents[i]))
  for (const [i, document] of documents.entries()) {
    const decoded = decode(document)
    bytes += sizeOf(document)
    if ('row' in decoded) {
      rows.push(decoded.row)
      good.push(i)
    } else bad.push({ position: keyAt(i), bytes: rawAt(i), before: rows.length, ...decoded })
  }
  return {
    split,
    rows,
    position,
    bytes,
    positionAt: (i) => keyAt(good[i]!),
    rawAt: (i) => rawAt(good[i]!),
    bad: bad.length > 0 ? bad : undefined,
    end,
  }
}

/** A text key is its own position; for any other it is its extended JSON, which preserves the type. */
const keyText = (key: unknown): string => (typeof key === 'string' ? key : toExtendedJson(key))
