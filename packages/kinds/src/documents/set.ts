/** `write: set`: which parts of a record go into the document of its key. */
import { fieldOf, isWellFormed, type RecordType, type Row, toText, type Type } from '@millrace/core'
import { keyFields } from '../keys.ts'
import type { DocumentOptions } from './options.ts'

/** Why a record cannot be merged. */
export interface SetProblem {
  readonly code: string
  readonly message: string
  readonly field: string
}

/**
 * Fields and their values as stored, in order; or why there are none. Throws `RangeError` for a time without a text
 * form.
 */
export type SetFields = (row: Row) => readonly (readonly [name: string, value: unknown])[] | SetProblem

/**
 * Fields of the key are always set, so that a document can be read without parsing its key. `store` makes the function
 * from a value to its stored form; null is null everywhere.
 */
export function compileSet(
  o: DocumentOptions,
  schema: RecordType,
  store: (type: Type) => (value: unknown) => unknown,
): SetFields {
  const { attribute } = o
  const omit = o.nulls === 'omit'
  const writer = (name: string) => ({ name, store: store(fieldOf(schema, name)!.type) })
  const chosen = o.fields ?? (attribute ? [] : Object.keys(schema.fields))
  const fields = [...new Set([...(keyFields(o) ?? []), ...chosen])].map(writer)
  const value = (attribute?.value ?? []).map(writer)
  const nameOf = attribute && toText(fieldOf(schema, attribute.name)!.type)
  const taken = new Set([...fields.map(({ name }) => name), '_id'])

  const pairs = (writers: typeof fields, row: Row): [string, unknown][] => {
    const made: [string, unknown][] = []
    for (const { name, store: convert } of writers) {
      const given = row[name] ?? null
      if (given !== null || !omit) made.push([name, given === null ? null : convert(given)])
    }
    return made
  }
  const bad = (field: string) => ({
    code: 'bad_text',
    message: `${field} has an unpaired surrogate, which is not a character`,
    field,
  })

  return (row) => {
    for (const { name } of fields) if (!isWellFormed(row[name])) return bad(name)
    const set = pairs(fields, row)
    if (!attribute) return set
    const name = nameOf!(row[attribute.name])
    if (name === '')
      return {
        code: 'null_name',
        message: `${attribute.name} names the attribute, but it is empty`,
        field: attribute.name,
      }
    if (taken.has(name))
      return {
        code: 'name_taken',
        message: `the attribute ${name} would overwrite a field of the document`,
        field: attribute.name,
      }
    if (!name.isWellFormed()) return bad(attribute.name)
    for (const part of value) if (!isWellFormed(row[part.name])) return bad(part.name)
    set.push([name, Object.fromEntries(pairs(value, row))])
    return set
  }
}
