/** What `_id` is made of: the record's id, or the key as text, as a value of its own type, as an ObjectId or a UUID. */
import { compileKey, fieldOf, isWellFormed, type RecordType, type Row, SystemError } from '@millrace/core'
import { keyFields } from '@millrace/kinds'
import { bsonClass, uuidText } from '@millrace/client-mongodb'
import { type Collection, ObjectId, UUID } from '@millrace/client-mongodb/driver'
import type { Id, Stored } from './bulk.ts'
import type { Options } from './options.ts'
import { toBson } from './values.ts'

/** Why a record cannot be stored. */
export interface Wrong {
  readonly code: string
  readonly message: string
  readonly field?: string
}

/** The ids of documents by key. */
export interface Ids {
  /** The key as text, the same for equal ids; or why there is none. */
  text(row: Row): string | Wrong
  /** The `_id` of that text. Throws `RangeError` for a value without a BSON form. */
  value(text: string, row: Row): Id
}

export const half = 'has an unpaired surrogate, which is not a character'

const hexForms = { objectid: /^[0-9a-f]{24}$/i, uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i }
const hexNames = { objectid: 'the 24 hexadecimal digits of an ObjectId', uuid: 'a UUID' }

/** Undefined: documents are stored under the record's id. */
export function compileIds(o: Pick<Options, 'key' | 'id_type'>, schema: RecordType): Ids | undefined {
  const names = keyFields(o)
  if (!names) return undefined
  const key = compileKey(schema, names)
  const text = (row: Row): string | Wrong => {
    const made = key(row)
    if (made === undefined) {
      const field = names.find((name) => (row[name] ?? null) === null)!
      return { code: 'null_key', message: `the key ${names.join(', ')} has a part that is null`, field }
    }
    if (made.isWellFormed()) return made
    const field = names.find((name) => !isWellFormed(row[name]))!
    return { code: 'bad_text', message: `${field} ${half}`, field }
  }
  const [field] = names as [string]
  const { id_type: type = 'text' } = o
  switch (type) {
    case 'text':
      return { text, value: (made) => made }
    case 'value': {
      const convert = toBson(fieldOf(schema, field)!.type)
      return { text, value: (_made, row) => convert(row[field]) as Id }
    }
    default:
      return {
        text(row) {
          const made = text(row)
          if (typeof made !== 'string') return made
          if (hexForms[type].test(made)) return made.toLowerCase()
          return { code: 'bad_id', message: `${field} is not ${hexNames[type]}`, field }
        },
        value: type === 'uuid' ? (made) => new UUID(made) : (made) => ObjectId.createFromHexString(made),
      }
  }
}

/**
 * Throws if the collection has documents whose ids are not text, and nobody said that text is meant: a document that is
 * written back by its id would get a twin. Ids are in the order of their types, so the first and the last tell.
 */
export async function refuseTwins(
  collection: Collection<Stored>,
  o: Options,
  ask: <T>(promise: Promise<T>) => Promise<T>,
): Promise<void> {
  if (keyFields(o) === undefined || o.id_type !== undefined) return
  const types = new Set<string>()
  for (const order of [1, -1] as const) {
    const query = collection.find({}, { sort: { _id: order }, projection: { _id: 1 }, limit: 1 }).toArray()
    const [end] = await ask(query)
    if (!end || typeof end._id === 'string') continue
    types.add(bsonClass(end._id) === 'ObjectId' ? 'objectid' : uuidText(end._id) ? 'uuid' : 'value')
  }
  if (types.size === 0) return
  throw new SystemError(
    'other_ids',
    `the collection ${o.collection} has documents whose _id is not text, so a key as text would make a second document of each`,
    { hint: `id_type: ${[...types].join(' or ')}; or id_type: text, if that is what you want` },
  )
}
