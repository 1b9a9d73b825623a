/** Inspects a collection: its type, inferred from a sample of its documents, and how many there are. */
import {
  type Env,
  type Field,
  MillraceError,
  type RecordType,
  SystemError,
  type Type,
  unlessAborted,
} from '@millrace/core'
import { bsonBytes, bsonClass, decimalText, uuidText } from '@millrace/client-mongodb'
import { connect, disconnect, type Db, type Document, scrubbed, systemError } from '@millrace/client-mongodb/driver'
import type { Options } from './options.ts'

/** Documents to inspect. */
const sample = 1000

async function withCollection<T>(o: Options, env: Env, signal: AbortSignal, body: (db: Db) => Promise<T>): Promise<T> {
  const client = await connect(o, env, signal)
  try {
    return await unlessAborted(body(client.db(o.database)), signal, 'waiting for MongoDB')
  } catch (error) {
    throw (
      systemError(error, o) ??
      (error instanceof MillraceError
        ? error
        : new SystemError('refused', `MongoDB refuses the request: ${scrubbed(error, o)}`))
    )
  } finally {
    await disconnect(client)
  }
}

/** Throws `SystemError`, and `MillraceError` if there is nothing to infer a type from. */
export function inferType(o: Options, env: Env, signal: AbortSignal): Promise<RecordType> {
  return withCollection(o, env, signal, async (db) => {
    const documents = await db.collection(o.collection).find({}, { limit: sample }).toArray()
    if (documents.length === 0)
      throw new MillraceError(
        'nothing_to_infer',
        `the collection ${o.collection} of ${o.database} is empty or does not exist`,
        {
          hint: 'write the schema by hand',
          exitCode: 3,
        },
      )
    return typeOfAll(documents)
  })
}

/** For `pipe doctor`. */
export function countDocuments(o: Options, env: Env, signal: AbortSignal): Promise<string> {
  return withCollection(o, env, signal, async (db) => {
    const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map((each) => each.name)
    if (!names.includes(o.collection))
      throw new MillraceError('unknown_collection', `the database ${o.database} has no collection ${o.collection}`, {
        hint: `it has ${names.join(', ') || 'none'}`,
        exitCode: 3,
      })
    return `about ${await db.collection(o.collection).estimatedDocumentCount()} documents in ${o.collection} of ${o.database}`
  })
}

function typeOfAll(documents: readonly Document[]): RecordType {
  const seen = new Map<string, { type: Type; n: number }>()
  for (const document of documents) {
    for (const [name, value] of Object.entries(document)) {
      if (value === null || value === undefined) continue
      const before = seen.get(name)
      seen.set(name, { type: before ? joined(before.type, typeOf(value)) : typeOf(value), n: (before?.n ?? 0) + 1 })
    }
  }
  const fields = [...seen].map(([name, { type, n }]): [string, Field] => [
    name,
    { type, optional: n < documents.length },
  ])
  return { fields: Object.fromEntries(fields) }
}

function typeOf(value: unknown): Type {
  if (typeof value === 'string' || bsonClass(value) === 'ObjectId' || uuidText(value)) return { kind: 'string' }
  if (typeof value === 'boolean') return { kind: 'boolean' }
  if (typeof value === 'bigint') return { kind: 'bigint' }
  if (typeof value === 'number') return { kind: Number.isSafeInteger(value) ? 'integer' : 'number' }
  if (value instanceof Date) return { kind: value.getTime() % 86_400_000 === 0 ? 'date' : 'timestamp' }
  if (bsonBytes(value)) return { kind: 'bytes' }
  if (bsonClass(value) === 'Decimal128') {
    const [, whole = '', fraction = ''] = /^-?(\d+)(?:\.(\d+))?$/.exec(decimalText(value as object)) ?? []
    if (whole !== '') return { kind: 'decimal', precision: 34, scale: fraction.length }
  }
  return { kind: 'json' }
}

/** The narrowest type for the values of both. */
function joined(a: Type, b: Type): Type {
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale >= b.scale ? a : b
  if (a.kind === b.kind) return a
  const kinds = new Set([a.kind, b.kind])
  const among = (...allowed: Type['kind'][]) => [...kinds].every((kind) => allowed.includes(kind))
  if (among('integer', 'number')) return { kind: 'number' }
  if (among('integer', 'bigint')) return { kind: 'bigint' }
  return { kind: among('date', 'timestamp') ? 'timestamp' : 'json' }
}
