/**
 * Reads a collection to the end it has when reading begins, in the order of `_id`, a thousand documents a question. A cursor would be gone after ten minutes
 * without a question; a key is not. The bounds are those of the index, not comparisons: so keys of several types are read in the order in which MongoDB has
 * them, and none is passed over.
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
  connect,
  disconnect,
  type Db,
  type Document,
  fromExtendedJson,
  scrubbed,
  sizeOf,
  systemError,
  toExtendedJson,
  unlessAborted,
} from './client.ts'
import { compileDecoder, type Decoded } from './decode.ts'
import type { Options } from './source.ts'

/** Documents a question. */
const pageSize = 1000

/** Throws `SystemError`, and `MillraceError` where there is no such collection. */
export async function* readCollection(
  o: Options,
  ctx: SourceContext,
  { signal, resume }: ReadContext,
): AsyncGenerator<Batch> {
  const client = await connect(o, ctx, signal)
  try {
    const db = client.db(o.database)
    await requireCollection(db, o.collection, signal)
    const collection = db.collection<Row & Document>(o.collection)
    const [end] = await unlessAborted(
      collection.find({}, { sort: { _id: -1 }, projection: { _id: 1 }, limit: 1 }).toArray(),
      signal,
    )
    if (!end) return
    // An expression compares across types, as the index does.
    const upToEnd = { $expr: { $lte: ['$_id', { $literal: end['_id'] }] } }
    const tally = { unknown: 0 }
    const decode = compileDecoder(ctx, tally)
    const at = resume(o.collection)
    let last = at === undefined ? undefined : keyFromPosition(at)
    for (;;) {
      const bounds = last === undefined ? {} : { min: { _id: last }, hint: { _id: 1 } as const }
      // The lower bound is included, so what was read last comes once more, unless it was deleted meanwhile.
      const found = await unlessAborted(
        collection.find(upToEnd, { ...bounds, sort: { _id: 1 }, limit: pageSize + 1 }).toArray(),
        signal,
      )
      const isFull = found.length > pageSize
      const before = last === undefined ? undefined : toExtendedJson(last)
      const documents = (
        before !== undefined && found[0] && toExtendedJson(found[0]['_id']) === before ? found.slice(1) : found
      ).slice(0, pageSize)
      last = documents.at(-1)?.['_id'] ?? last
      yield { ...toBatch(o.collection, documents, decode, positionOf(last), !isFull), ...unknownOf(tally) }
      if (!isFull) return
      signal.throwIfAborted()
    }
  } catch (error) {
    if (signal.aborted) return
    throw (
      systemError(error, o) ??
      (error instanceof MillraceError
        ? error
        : new SystemError('refused', `MongoDB refuses to give ${o.collection}: ${scrubbed(error, o)}`))
    )
  } finally {
    await disconnect(client)
  }
}

async function requireCollection(db: Db, name: string, signal: AbortSignal): Promise<void> {
  const names = (await unlessAborted(db.listCollections({}, { nameOnly: true }).toArray(), signal)).map(
    (each) => each.name,
  )
  if (names.includes(name)) return
  throw new MillraceError('unknown_collection', `the database ${db.databaseName} has no collection ${name}`, {
    hint:
      names.length > 0
        ? `it has ${names.toSorted((a, b) => (a < b ? -1 : 1)).join(', ')}`
        : 'it is empty: run a pipeline that writes to it first',
    exitCode: 3,
  })
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
    } else bad.push({ position: keyAt(i), bytes: rawAt(i), ...decoded })
  }
  return {
    split,
    rows,
    position,
    bytes,
    positionAt: (i) => keyAt(good[i]!),
    rawAt: (i) => rawAt(good[i]!),
    ...(bad.length > 0 ? { bad } : {}),
    ...(end ? { end: true } : {}),
  }
}

/** A key that is text is its own position; any other is its extended JSON, which keeps the type. */
const keyText = (key: unknown): string => (typeof key === 'string' ? key : toExtendedJson(key))
const positionOf = (key: unknown): Json => (typeof key === 'string' ? key : { key: toExtendedJson({ _id: key }) })
const keyFromPosition = (position: Json): unknown =>
  typeof position === 'string' ? position : (fromExtendedJson((position as { readonly key: string }).key) as Row)['_id']
