/** Converts items to rows, also from their bytes for replay. */
import {
  compileKey,
  DataError,
  fieldOf,
  fromJson,
  type Json,
  opened,
  type RecordType,
  type Row,
  rowFromJson,
  setOwn,
  type SourceContext,
  type Tally,
} from '@millrace/core'
import { idAttribute, isById, type Item, type KeyAttribute, recordField, type Stored } from '@millrace/client-dynamodb'
import { keyTexts, positionText } from './position.ts'
import { readable } from './values.ts'

/** The result of decoding an item. */
export type Decoded =
  | { readonly row: Row }
  | { readonly code: string; readonly message: string; readonly field?: string }

/**
 * Makes the function that decodes an item of a table with this key and reports problems. `tally`: counts the attributes
 * that are left out.
 */
export function compileDecoder(
  { schema, unknownFields }: Pick<SourceContext, 'schema' | 'unknownFields'>,
  key: readonly KeyAttribute[],
  tally: Tally = { unknown: 0 },
): (item: Item) => Decoded {
  const isOpen = unknownFields === 'keep' || schema.open === true
  const read = rowFromJson(isOpen ? opened(schema) : schema, isOpen ? 'keep' : unknownFields, tally)
  const types = new Map(Object.entries(schema.fields).map(([name, { type }]) => [name, type]))
  const idOf = types.has(idAttribute.name) && !isById(key) ? compileId(key, schema) : undefined
  // What the sink adds is no field.
  const isOurs = (name: string) => name === recordField || (name === idAttribute.name && !isOpen)
  return (item) => {
    const before = tally.unknown
    const json: Row = {}
    if (idOf) json[idAttribute.name] = idOf(item)
    for (const name in item) {
      const type = types.get(name)
      if (type || isOpen) {
        if (type || name !== recordField) setOwn(json, name, readable(item[name]!, type))
      } else if (isOurs(name)) continue
      else if (unknownFields === 'error') setOwn(json, name, null)
      else tally.unknown++
    }
    const row = read(json)
    if (!Array.isArray(row)) return { row }
    tally.unknown = before
    return row[0]!
  }
}

/** The key as `_id`, where the table has a key of its own: the same text as in other stores. */
function compileId(key: readonly KeyAttribute[], schema: RecordType): (item: Item) => string {
  const names = key.map(({ name }) => name)
  const plain = (item: Item) => positionText(keyTexts(item, key))
  if (!names.every((name) => fieldOf(schema, name))) return plain
  const textOf = compileKey(schema, names)
  const parts = names.map((name) => ({ name, type: fieldOf(schema, name)!.type }))
  const reads = parts.map(({ name, type }) => ({ name, type, read: fromJson(type) }))
  return (item) => {
    try {
      const row = Object.fromEntries(reads.map(({ name, type, read }) => [name, read(readable(item[name]!, type))]))
      return textOf(row) ?? plain(item)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      return plain(item)
    }
  }
}

/** An item as bytes that keep every type: the service's own JSON, with bytes as base64. */
export const itemBytes = (item: Item): Buffer =>
  Buffer.from(
    JSON.stringify(item, (_name, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    ),
  )

/** The item of such bytes; throws `DataError`. */
export function itemFrom(text: string): Item {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new DataError('bad_json', `is not JSON: ${(error as Error).message}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new DataError('not_object', 'is JSON, but not an item')
  return revived({ M: parsed as Item }).M!
}

const bytesOf = (base64: unknown): Uint8Array => Buffer.from(String(base64), 'base64')

function revived(value: Stored): Stored {
  if (typeof value !== 'object' || value === null) throw new DataError('bad_json', 'is not a value of DynamoDB')
  if (value.B !== undefined) return { B: bytesOf(value.B) }
  if (value.BS !== undefined) return { BS: value.BS.map(bytesOf) }
  if (value.L !== undefined) return { L: value.L.map(revived) }
  if (value.M === undefined) return value
  const made: Row = {}
  for (const [name, part] of Object.entries(value.M)) setOwn(made, name, revived(part))
  return { M: made as Item }
}

/** The key of a table, kept beside a record's bytes. */
export const keyContext = (key: readonly KeyAttribute[]): Json => ({ key: key.map(({ name, type }) => [name, type]) })

/** The key in such a context; without one, that of documents known by `_id`. */
export function keyFrom(context: Json | undefined): readonly KeyAttribute[] {
  const { key } = (context ?? {}) as { readonly key?: readonly (readonly [string, KeyAttribute['type']])[] }
  return key?.map(([name, type]) => ({ name, type })) ?? [idAttribute]
}
