/** Keys and documents as text. A record without one is refused. */
import { compileKey, isWellFormed, printJson, type RecordType, type Records, type Row, toJson } from '@millrace/core'
import { compileFieldAtFault, encodingFault } from '@millrace/formats'
import type { Refuse } from './refuse.ts'

/** The key of record i, or the text of its document; undefined: it has none, which is reported. */
export type TextOf = (i: number) => string | undefined

const half = 'has an unpaired surrogate, which is not a character'

/** Makes the function from records to their keys: those of the fields, or the records' ids. */
export function compileKeys(
  schema: RecordType,
  names: readonly string[] | undefined,
): (records: Records, refuse: Refuse) => TextOf {
  const wellFormed = (text: string, i: number, field: string | undefined, refuse: Refuse) => {
    if (text.isWellFormed()) return text
    refuse(i, 'bad_text', `${field ?? 'its id'} ${half}`, field)
    return undefined
  }
  if (!names) {
    return (records, refuse) => {
      const ids = records.ids()
      return (i) => wellFormed(ids[i]!, i, undefined, refuse)
    }
  }
  const key = compileKey(schema, names)
  const at = (row: Row, isIt: (value: unknown) => boolean) => names.find((name) => isIt(row[name]))
  return ({ rows }, refuse) =>
    (i) => {
      const row = rows[i]!
      try {
        const made = key(row)
        if (made !== undefined) return wellFormed(made, i, at(row, (value) => !isWellFormed(value)) ?? names[0], refuse)
        const missing = at(row, (value) => value === null || value === undefined)
        refuse(i, 'null_key', `the key ${names.join(', ')} has a part that is null`, missing)
      } catch (error) {
        const { code, message } = encodingFault(error, undefined)
        refuse(i, code, message)
      }
      return undefined
    }
}

/** Converts a row to its JSON text; undefined: it has none, which is reported. */
export function compileDocument(
  schema: RecordType,
  nulls: 'write' | 'omit',
): (row: Row, i: number, refuse: Refuse) => string | undefined {
  const plain = toJson({ kind: 'object', record: schema })
  const fieldAtFault = compileFieldAtFault(schema)
  const encode =
    nulls === 'write'
      ? (row: Row) => printJson(plain(row))
      : (row: Row) =>
          printJson(Object.fromEntries(Object.entries(plain(row) as Row).filter(([, value]) => value !== null)))
  return (row, i, refuse) => {
    try {
      const document = encode(row)
      // Only an unpaired surrogate is written as \ud..., or text that spells it out.
      if (!document.includes('\\ud') || isWellFormed(row)) return document
      const field = Object.keys(row).find((name) => !name.isWellFormed() || !isWellFormed(row[name]))
      refuse(i, 'bad_text', `${field} ${half}`, field)
    } catch (error) {
      const { code, message, field } = encodingFault(error, fieldAtFault(row))
      refuse(i, code, message, field)
    }
    return undefined
  }
}
