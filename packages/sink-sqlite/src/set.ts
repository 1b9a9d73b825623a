/** `write: set`: what of a record goes into the document of its key, and how. */
import { fieldOf, isWellFormed, type RecordType, type Row, toJson, toText } from '@millrace/core'
import { keyOf, type Options } from './options.ts'

/** What a record does to the document of its key, or why it cannot. Throws `RangeError` for a time without a text form. */
export type Merge = (row: Row) => { apply(doc: Row): void } | { readonly code: string; readonly message: string; readonly field: string }

/** Fields of the key are always in the document, so that it can be read without taking its key apart. */
export function compileMerge(o: Options, schema: RecordType): Merge {
  const { attribute } = o
  const omit = o.nulls === 'omit'
  const writer = (name: string) => ({ name, json: toJson(fieldOf(schema, name)!.type) })
  const chosen = o.fields ?? (attribute ? [] : Object.keys(schema.fields))
  const fields = [...new Set([...(keyOf(o) ?? []), ...chosen])].map(writer)
  const value = (attribute?.value ?? []).map(writer)
  const nameOf = attribute && toText(fieldOf(schema, attribute.name)!.type)
  const taken = new Set([...fields.map(({ name }) => name), '_id'])

  const pairs = (writers: typeof fields, row: Row): [string, unknown][] => {
    const made: [string, unknown][] = []
    for (const { name, json } of writers) {
      const given = row[name] ?? null
      if (given !== null || !omit) made.push([name, json(given)])
    }
    return made
  }
  const bad = (field: string) => ({ code: 'bad_text', message: `${field} holds half of a surrogate pair, which is no character`, field })

  return (row) => {
    for (const { name } of fields) if (!isWellFormed(row[name])) return bad(name)
    const set = pairs(fields, row)
    if (attribute) {
      const name = nameOf!(row[attribute.name])
      if (name === '') return { code: 'null_name', message: `${attribute.name} names the attribute, but it is empty`, field: attribute.name }
      if (taken.has(name)) return { code: 'name_taken', message: `the attribute ${name} would overwrite a field of the document`, field: attribute.name }
      if (!name.isWellFormed()) return bad(attribute.name)
      for (const part of value) if (!isWellFormed(row[part.name])) return bad(part.name)
      set.push([name, Object.fromEntries(pairs(value, row))])
    }
    return {
      apply(doc) {
        for (const [name, given] of set) setOwn(doc, name, given)
      },
    }
  }
}

/** `__proto__` becomes a property like any other. */
function setOwn(object: Row, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  else object[name] = value
}
