/** Queries of a collection, and the report for `pipe doctor`. */
import {
  type Env,
  fieldOf,
  fromText,
  MillraceError,
  type Query,
  type RecordType,
  type Row,
  SystemError,
  unlessAborted,
} from '@millrace/core'
import { bsonToPlain } from '@millrace/client-mongodb'
import { compileShown } from '@millrace/kinds'
import {
  Binary,
  connect,
  disconnect,
  type Db,
  Decimal128,
  type Document,
  type Filter,
  ObjectId,
  scrubbed,
  systemError,
} from '@millrace/client-mongodb/driver'
import { recordField } from './operations.ts'
import type { Options } from './options.ts'
import { toBson } from './values.ts'

/** Documents as rows, with their key as `_id`. Values without a JSON form are text. */
export async function* queryCollection(o: Options, env: Env, query: Query, signal: AbortSignal): AsyncGenerator<Row> {
  const client = await connect(o, env, signal)
  try {
    const db = client.db(o.database)
    await requireCollection(db, query.collection, signal)
    let left = query.limit ?? Number.POSITIVE_INFINITY
    if (left <= 0) return
    const sort = Object.fromEntries(
      (query.sort ?? []).map(({ field, descending }) => [field, descending ? -1 : 1] as const),
    )
    const shown = compileShown(query.type)
    const cursor = db
      .collection(query.collection)
      .find(filterOf(query.where?.equals ?? {}, query.type), { sort, signal, allowDiskUse: true })
    for await (const document of cursor) {
      const { [recordField]: _inserted, ...rest } = bsonToPlain(document) as Row
      const row = shown(rest)
      if (query.where && !query.where.test(row)) continue
      yield row
      if (--left === 0) return
    }
  } catch (error) {
    signal.throwIfAborted()
    throw (
      systemError(error, o) ??
      (error instanceof MillraceError
        ? error
        : new SystemError('refused', `MongoDB refuses the query: ${scrubbed(error, o)}`))
    )
  } finally {
    await disconnect(client)
  }
}

async function requireCollection(db: Db, name: string, signal: AbortSignal): Promise<void> {
  const names = (
    await unlessAborted(db.listCollections({}, { nameOnly: true }).toArray(), signal, 'waiting for MongoDB')
  ).map((each) => each.name)
  if (names.includes(name)) return
  throw new MillraceError('unknown_collection', `the database ${db.databaseName} has no collection ${name}`, {
    hint:
      names.length > 0
        ? `it has ${names.toSorted((a, b) => (a < b ? -1 : 1)).join(', ')}`
        : 'it is empty: run a pipeline that writes to it first',
    exitCode: 2,
  })
}

/**
 * Selects at least the documents whose rows have these values. If their types are not known, a text may stand for a
 * value that rows show as text.
 */
function filterOf(equals: Readonly<Record<string, unknown>>, type: RecordType | undefined): Filter<Document> {
  const conditions = Object.entries(equals).flatMap(([field, value]): Filter<Document>[] => {
    if (field.startsWith('$') || field.includes('.')) return []
    const known = type && fieldOf(type, field)
    if (known && value !== null) return [{ [field]: toBson(known.type)(value) }]
    if (value === null || typeof value === 'boolean' || typeof value === 'number') return [{ [field]: value }]
    if (typeof value === 'bigint') return [{ [field]: { $in: [value, String(value)] } }]
    return typeof value === 'string' ? [{ [field]: { $in: shownAs(value) } }] : []
  })
  return conditions.length > 0 ? { $and: conditions } : {}
}

/** The values that rows show as this text. */
function shownAs(text: string): unknown[] {
  const values: unknown[] = [text]
  if (/^-?\d{1,34}(\.\d{1,34})?(E[+-]?\d{1,4})?$/.test(text)) values.push(decimalOf(text))
  if (/^-?\d{16,19}$/.test(text)) values.push(BigInt(text))
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) values.push(instantOf(text))
  if (/^[0-9a-f]{24}$/.test(text)) values.push(new ObjectId(text))
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) values.push(new Binary(bytes))
  return values.filter((value) => value !== undefined)
}

const timestamp = fromText({ kind: 'timestamp' })

function instantOf(text: string): Date | undefined {
  try {
    return new Date(timestamp(text) as number)
  } catch {
    return undefined
  }
}

function decimalOf(text: string): Decimal128 | undefined {
  try {
    return Decimal128.fromString(text)
  } catch {
    return undefined
  }
}

/** Connects and reports what it finds. */
export async function probe(o: Options, env: Env, signal: AbortSignal): Promise<string> {
  const client = await connect(o, env, signal)
  try {
    const [hello, build] = await unlessAborted(
      Promise.all([client.db('admin').command({ hello: 1 }), client.db('admin').command({ buildInfo: 1 })]),
      signal,
      'waiting for MongoDB',
    )
    const there = await unlessAborted(
      client.db(o.database).listCollections({ name: o.collection }, { nameOnly: true }).toArray(),
      signal,
      'waiting for MongoDB',
    )
    const set = hello['setName']
      ? `replica set ${hello['setName']}`
      : hello['msg'] === 'isdbgrid'
        ? 'sharded'
        : 'a single server, without a majority to wait for'
    const collection =
      there.length === 0
        ? `no collection ${o.collection} yet`
        : `about ${await unlessAborted(client.db(o.database).collection(o.collection).estimatedDocumentCount(), signal, 'waiting for MongoDB')} documents in ${o.collection}`
    return `MongoDB ${build['version']}, ${set}; database ${o.database}, ${collection}`
  } catch (error) {
    throw systemError(error, o) ?? new SystemError('refused', `MongoDB refuses the request: ${scrubbed(error, o)}`)
  } finally {
    await disconnect(client)
  }
}
