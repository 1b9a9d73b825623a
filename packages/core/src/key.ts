/**
 * The key of a record as text, from its fields: what a store knows a document by, and what a stream orders by.
 *
 * One field: its value as text (17850, `2010-12-01T08:26:00.000Z`). Several: a JSON array of their values in the order given, without spaces; what JSON has no
 * form for is a string in it. So a key is the same text on every system and every machine. A null part makes no key.
 */
import { toJson, toText } from './convert.ts'
import type { Row } from './record.ts'
import { fieldOf, type RecordType, type Type } from './schema.ts'

/** Whether a value of this type can be a key or a part of one: lists, objects and json cannot. */
export const isKeyType = (type: Type): boolean => type.kind !== 'list' && type.kind !== 'object' && type.kind !== 'json'

/** Makes the function from a row to its key; undefined where a part is null. The fields must exist and be of key types. */
export function compileKey(record: RecordType, fields: readonly string[]): (row: Row) => string | undefined {
  const parts = fields.map((name) => ({ name, type: fieldOf(record, name)!.type }))
  if (parts.length === 1) {
    const { name, type } = parts[0]!
    const text = toText(type)
    return type.kind === 'string'
      ? (row) => (row[name] as string | null) ?? undefined
      : (row) => (row[name] == null ? undefined : text(row[name]))
  }
  const writes = parts.map(({ name, type }) => ({ name, json: toJson(type) }))
  return (row) => {
    const values: unknown[] = []
    for (const { name, json } of writes) {
      const value = row[name]
      if (value === null || value === undefined) return undefined
      values.push(json(value))
    }
    return JSON.stringify(values)
  }
}
