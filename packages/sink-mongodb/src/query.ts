/** Queries of a collection, and the report for `pipe doctor`. */
import {
  type Comparison,
  type Env,
  fieldOf,
  MillraceError,
  type Query,
  type RecordType,
  type Row,
  SystemError,
  type Type,
  unlessAborted,
} from '@millrace/core'
import { bsonToPlain } from '@millrace/client-mongodb'
import { compileShown, keyIn } from '@millrace/kinds'
import { connect, disconnect, type Db, type Document, scrubbed, systemError } from '@millrace/client-mongodb/driver'
import { compileIds } from './ids.ts'
import { recordField } from './operations.ts'
import type { Options } from './options.ts'
import { toBson } from './values.ts'

/** Documents as rows, with their key as `_id`. Values without a JSON form are text. */
export async function* queryCollection(o: Options, env: Env, query: Query, signal: AbortSignal): AsyncGenerator<Row> {
  const client = await connect(o, env, signal)
  try {
    const db = client.db(o.database)
    await requireCollection(db, query.collection, signal)
    const limit = query.limit ?? Number.POSITIVE_INFINITY
    if (limit <= 0) return
    const shown = compileShown(query.type)
    const cursor = db.collection(query.collection).aggregate(pipelineOf(query, o), {
      signal,
      allowDiskUse: true,
      // The collection may have another one; expressions compare by code points.
      collation: { locale: 'simple' },
    })
    for await (const document of cursor) yield shown(bsonToPlain(document) as Row)
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

/** What the server does: it finds, sorts, and leaves out what is not asked for. */
function pipelineOf({ where = [], type, sort = [], limit, fields }: Query, o: Options) {
  const stages: Document[] = []
  const isText = o.id_type === undefined || o.id_type === 'text' || o.id_type === 'value'
  const conditions: Document[] = where
    .filter(({ field }) => isText || field !== '_id')
    .flatMap((each) => conditionOf(each, type))
  if (keyIn(o.key, where, type) !== undefined) {
    const row = Object.fromEntries(where.filter(({ is }) => is === '==').map(({ field, value }) => [field, value]))
    const ids = compileIds(o, type!)!
    const id = ids.text(row)
    if (typeof id === 'string') conditions.push({ _id: ids.value(id, row) })
  }
  if (conditions.length > 0) stages.push({ $match: { $and: conditions } })
  const by = sort.map(({ field, descending }, i) => ({
    name: field === '_id' ? field : `_millrace_sort_${i}`,
    value: sortedBy(field, type && fieldOf(type, field)?.type),
    order: descending ? -1 : 1,
  }))
  const made = by.filter(({ name }) => name !== '_id')
  if (made.length > 0) stages.push({ $set: Object.fromEntries(made.map(({ name, value }) => [name, value])) })
  if (by.length > 0) stages.push({ $sort: Object.fromEntries(by.map(({ name, order }) => [name, order])) })
  if (limit !== undefined && Number.isSafeInteger(limit)) stages.push({ $limit: limit })
  stages.push({ $unset: [recordField, ...made.map(({ name }) => name)] })
  const kept = fields?.filter(canBeNamed)
  if (kept && kept.length === fields!.length)
    stages.push({ $project: Object.fromEntries(['_id', ...kept].map((name) => [name, 1])) })
  return stages
}

/** Types whose values MongoDB orders as expressions do. See `SinkDefinition.sorts`. */
const sorts = (type: Type): boolean => ['string', 'integer', 'number'].includes(type.kind)

/** A dollar or a dot in a name means something else in a query. */
const canBeNamed = (name: string): boolean => name !== '' && !name.startsWith('$') && !name.includes('.')

const operators = { '==': '$eq', '<': '$lt', '<=': '$lte', '>': '$gt', '>=': '$gte' } as const

/**
 * A condition that holds for every wanted document. MongoDB compares values of one type only; where others may have
 * stored a value of the field in another one, such values pass, and are tested where it was asked for.
 */
function conditionOf({ field, is, value }: Comparison, type: RecordType | undefined): Document[] {
  const known = type && fieldOf(type, field)?.type
  if (!known || !canBeNamed(field)) return []
  const compared = { [field]: { [operators[is]]: toBson(known)(value) } }
  if (sorts(known) || (known.kind === 'boolean' && is === '==')) return [compared]
  if (known.kind !== 'date' && known.kind !== 'timestamp') return []
  return [{ $or: [compared, { [field]: { $type: 'string' } }] }]
}

/** What to sort by: the value in its form in memory, null for one of another type. */
function sortedBy(field: string, type: Type | undefined): unknown {
  const value = { $getField: { field: { $literal: field }, input: '$$ROOT' } }
  const isOf = (...types: string[]) => ({ $in: [{ $type: value }, types] })
  if (type?.kind === 'string') return { $cond: [isOf('string'), value, null] }
  const real = { $toDouble: value }
  const most = type?.kind === 'integer' ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE
  const isRight = [{ $lte: [real, most] }, { $gte: [real, -most] }]
  if (type?.kind === 'integer') isRight.push({ $eq: [{ $trunc: real }, real] } as never)
  return { $cond: [isOf('int', 'long', 'double'), { $cond: [{ $and: isRight }, real, null] }, null] }
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
