/** What the records of a batch do to the item of their key. */
import {
  compileKey,
  fieldOf,
  isWellFormed,
  type Records,
  type Row,
  type SinkContext,
  type WriteFailure,
} from '@millrace/core'
import { compileSet, keyFields } from '@millrace/kinds'
import { encodingFault } from '@millrace/formats'
import {
  idAttribute,
  isById,
  type Item,
  type KeyAttribute,
  recordField,
  type Stored,
  storedJson,
  toStored,
} from '@millrace/client-dynamodb'
import type { Options } from './options.ts'

/** The records of one key, in their order: each is the key, and what goes beside it. */
export interface Change {
  readonly key: Item
  /** The key as text. */
  readonly id: string
  /** Of the records in the batch. */
  readonly indexes: number[]
  /** A record's attributes; with `set`, in the order of the fields. */
  readonly attributes: (readonly (readonly [name: string, value: Stored])[])[]
}

/** Makes the changes of a batch; what cannot be stored goes to `failures`. */
export type Prepare = (records: Records, failures: WriteFailure[]) => Change[]

const half = 'has an unpaired surrogate, which is not a character'
/** The longest partition key, and the longest sort key, bytes: DynamoDB's developer guide, "Constraints". */
const mostKeyBytes = [2048, 1024] as const

export function compileChanges(o: Options, ctx: SinkContext, layout: readonly KeyAttribute[]): Prepare {
  const names = keyFields(o)
  const keyText = names && compileKey(ctx.schema, names)
  const keyed = names && o.write === 'insert'
  const parts = isById(layout)
    ? undefined
    : layout.map(({ name }) => ({ name, store: toStored(fieldOf(ctx.schema, name)!.type) }))
  const inKey = new Set(layout.map(({ name }) => name))
  const indexed = new Set((o.indexes ?? []).flat())
  const attributesOf = o.write === 'set' ? compileMerged(o, ctx, inKey) : compileItem(o, ctx, inKey, indexed)

  const change = (row: Row, id: string): Change => {
    const key: Item = parts
      ? Object.fromEntries(parts.map(({ name, store }) => [name, store(row[name])]))
      : { [idAttribute.name]: { S: id } }
    return { key, id, indexes: [], attributes: [] }
  }
  return (records, failures) => {
    const ids = keyText && !keyed ? undefined : records.ids()
    const byKey = new Map<string, Change>()
    for (let index = 0; index < records.length; index++) {
      const row = records.rows[index]!
      const refuse = (code: string, message: string, field?: string) =>
        failures.push({ index, kind: 'data', code, message, field })
      try {
        const id = keyText ? keyText(row) : ids![index]!
        if (id === undefined) {
          const field = names!.find((name) => (row[name] ?? null) === null)!
          refuse('null_key', `the key ${names!.join(', ')} has a part that is null`, field)
          continue
        }
        const bad = names?.find((name) => !isWellFormed(row[name]))
        if (bad !== undefined || !id.isWellFormed()) {
          refuse('bad_text', `${bad ?? 'its id'} ${half}`, bad)
          continue
        }
        const known = byKey.get(id)
        const of = known ?? change(row, id)
        const wrong = known ? undefined : keyFault(of.key, layout)
        if (wrong) {
          refuse(wrong.code, wrong.message, names && wrong.field)
          continue
        }
        const attributes = attributesOf(row)
        if ('code' in attributes) {
          refuse(attributes.code, attributes.message, attributes.field)
          continue
        }
        of.indexes.push(index)
        of.attributes.push(keyed ? [...attributes, [recordField, { S: ids![index]! }]] : attributes)
        if (!known) byKey.set(id, of)
      } catch (error) {
        const { code, message } = encodingFault(error, undefined)
        refuse(code, message)
      }
    }
    return [...byKey.values()]
  }
}

interface Wrong {
  readonly code: string
  readonly message: string
  readonly field?: string
}
type Attributes = (row: Row) => readonly (readonly [string, Stored])[] | Wrong

function keyFault(key: Item, layout: readonly KeyAttribute[]): Wrong | undefined {
  for (const [k, { name, type }] of layout.entries()) {
    const bytes = type === 'S' ? Buffer.byteLength(key[name]!.S!) : type === 'B' ? key[name]!.B!.length : 1
    if (bytes === 0)
      return { code: 'null_key', message: `the key ${name} is empty, which DynamoDB does not take`, field: name }
    const most = mostKeyBytes[k]!
    if (bytes > most)
      return {
        code: 'too_large',
        message: `the key ${name} has ${bytes} bytes, but DynamoDB takes at most ${most}`,
        field: name,
      }
  }
  return undefined
}

/** `write: set`: the fields of the record that are merged, without those of the key. */
function compileMerged(o: Options, ctx: SinkContext, inKey: ReadonlySet<string>): Attributes {
  const fieldsOf = compileSet(o, ctx.schema, toStored)
  const wide = (value: unknown): Stored =>
    value === null
      ? { NULL: true }
      : {
          M: Object.fromEntries(
            Object.entries(value as Row).map(([name, part]) => [name, (part ?? { NULL: true }) as Stored]),
          ),
        }
  return (row) => {
    const set = fieldsOf(row)
    if ('code' in set) return set
    const last = set.length - 1
    return set.flatMap(([name, value], k) => {
      if (inKey.has(name)) return []
      // The attribute of the record is the last one: an object of stored values.
      return [[name, o.attribute && k === last ? wide(value) : ((value ?? { NULL: true }) as Stored)] as const]
    })
  }
}

/** All other ways: the whole record. An attribute that an index is for cannot be null, so it is left out then. */
function compileItem(
  o: Options,
  ctx: SinkContext,
  inKey: ReadonlySet<string>,
  indexed: ReadonlySet<string>,
): Attributes {
  if (o.write === 'delete') return () => []
  const fields = Object.entries(ctx.schema.fields)
    .filter(([name]) => !inKey.has(name))
    .map(([name, { type }]) => ({ name, store: toStored(type), omit: o.nulls === 'omit' || indexed.has(name) }))
  const declared = new Set(Object.keys(ctx.schema.fields))
  const open = ctx.schema.open === true
  return (row) => {
    const made: [string, Stored][] = []
    for (const { name, store, omit } of fields) {
      const value = Object.hasOwn(row, name) ? (row[name] ?? null) : null
      if (value === null && omit) continue
      if (!isWellFormed(value)) return { code: 'bad_text', message: `${name} ${half}`, field: name }
      made.push([name, store(value)])
    }
    if (!open) return made
    for (const name in row) {
      if (declared.has(name) || (row[name] === null && o.nulls === 'omit')) continue
      if (name === '' || name === idAttribute.name || inKey.has(name) || !name.isWellFormed())
        return { code: 'bad_name', message: `a document cannot have a field ${JSON.stringify(name)}`, field: name }
      if (!isWellFormed(row[name])) return { code: 'bad_text', message: `${name} ${half}`, field: name }
      made.push([name, storedJson(row[name])])
    }
    return made
  }
}
