/**
 * How a document is found in its table. The fields of `key` are the table's own key where they can be: one is its
 * partition key, a second one its sort key. Otherwise, and for documents known by their record's id, it is the text
 * `_id`, as other stores have it.
 */
import { fieldOf, type RecordType, type Type } from '@millrace/core'

/** The types that a key attribute can have. */
export type KeyType = 'S' | 'N' | 'B'

/** An attribute of a key. */
export interface KeyAttribute {
  readonly name: string
  readonly type: KeyType
}

/** The attribute of documents that are known by text. */
export const idAttribute: KeyAttribute = { name: '_id', type: 'S' }

/** The attribute that names the record which inserted an item. */
export const recordField = '_millrace_id'

/** How values of a type are stored in a key; undefined: they cannot be part of one. */
export function keyType(type: Type): KeyType | undefined {
  switch (type.kind) {
    case 'integer':
    case 'bigint':
    case 'number':
    case 'decimal':
      return 'N'
    case 'bytes':
      return 'B'
    case 'string':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'fine_timestamp':
      return 'S'
    default:
      return undefined
  }
}

/** The key of the table for documents with these key fields: partition key, then sort key. */
export function keyLayout(fields: readonly string[] | undefined, schema: RecordType): readonly KeyAttribute[] {
  if (!fields || fields.length > 2) return [idAttribute]
  const native = fields.flatMap((name) => {
    const type = keyType(fieldOf(schema, name)!.type)
    return type ? [{ name, type }] : []
  })
  return native.length === fields.length ? native : [idAttribute]
}

/** Whether documents are known by `_id`. */
export const isById = (layout: readonly KeyAttribute[]): boolean =>
  layout.length === 1 && layout[0]!.name === idAttribute.name

/** A key for messages: `CustomerID (N), InvoiceNo (S)`. */
export const layoutText = (layout: readonly KeyAttribute[]): string =>
  layout.map(({ name, type }) => `${name} (${type})`).join(', ')
