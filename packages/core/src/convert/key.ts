/**
 * The key of a record as text, made from its fields: stores identify documents by it, streams order by it.
 *
 * One field: its value as text (17850, `2010-12-01T08:26:00.000Z`). Several: a JSON array of their values in the given
 * order, without spaces; values without a JSON form are strings in it. So a key is the same text on every system and
 * every machine. If a part is null, there is no key.
 */
import { codegenAllowed, generate, quote } from '../codegen.ts'
import { toText } from './text.ts'
import { toJson } from './to-json.ts'
import type { Row } from '../record/index.ts'
import { fieldOf, type RecordType, type Type } from '../schema/index.ts'

/** Whether a value of this type can be a key or a part of one: lists, maps, objects and json cannot. */
export const isKeyType = (type: Type): boolean => !['list', 'map', 'object', 'json'].includes(type.kind)

/** Reads a field; null if it is absent, even under a name that every object inherits, such as `constructor`. */
export function fieldReader(name: string): (row: Row) => unknown {
  if (name in Object.prototype) return (row) => (Object.hasOwn(row, name) ? (row[name] ?? null) : null)
  // A function of its own for each name, so that the engine sees one property at each place.
  return codegenAllowed ? generate({}, `return (row) => row[${quote(name)}] ?? null`) : (row) => row[name] ?? null
}

/**
 * Values of a key type in a form that Map, Set and `===` compare correctly: equal values become the same, different
 * values stay different. null stays null. Undefined: the values can be used as they are. Bytes cannot: two arrays with
 * equal content are different.
 */
export function comparableOf(type: Type): ((value: unknown) => unknown) | undefined {
  if (type.kind !== 'bytes') return undefined
  const text = toText(type)
  return (value) => (value === null ? null : text(value))
}

/** Makes the function from a row to its key; undefined if a part is null. The fields must exist and be of key types. */
export function compileKey(record: RecordType, fields: readonly string[]): (row: Row) => string | undefined {
  const parts = fields.map((name) => ({ read: fieldReader(name), type: fieldOf(record, name)!.type }))
  if (parts.length === 1) {
    const { read, type } = parts[0]!
    const text = type.kind === 'string' ? undefined : toText(type)
    return (row) => {
      const value = read(row)
      return value === null ? undefined : text ? text(value) : (value as string)
    }
  }
  const writes = parts.map(({ read, type }) => ({ read, json: toJson(type) }))
  return (row) => {
    const values: unknown[] = []
    for (const { read, json } of writes) {
      const value = read(row)
      if (value === null) return undefined
      values.push(json(value))
    }
    return JSON.stringify(values)
  }
}
