/**
 * Copies values between the pipeline and a user's function. Rows are shared by everyone who reads them, including their
 * lists and bytes, and a function may keep or reuse what it returned: neither must see changes by the other.
 */
import type { RecordType, Row, Type } from '@millrace/core'
import { rowMaker, setField } from '../rows.ts'

/** Whether a value can be changed in place. */
const isMutable = (type: Type): boolean => ['bytes', 'list', 'map', 'object', 'json'].includes(type.kind)

/** A value that shares nothing with the original. */
export function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  // `slice` of a Buffer is a view.
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(copied)
  const made: Row = {}
  for (const name of Object.keys(value)) setField(made, name, copied((value as Row)[name]))
  return made
}

/** Makes copies of rows of this type, with absent fields as null. */
export function rowCopier(input: RecordType): (row: Row) => Row {
  const names = Object.keys(input.fields)
  const make = rowMaker(
    names.map((name) => [name, name]),
    input,
    true,
  )
  const mutable = names.filter((name) => isMutable(input.fields[name]!.type))
  if (mutable.length === 0 && !input.open) return (row) => make(row, [])
  return (row) => {
    const made = make(row, [])
    for (const name of input.open ? Object.keys(made) : mutable) setField(made, name, copied(made[name]))
    return made
  }
}
