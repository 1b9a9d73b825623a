/** Documents that were read back, as rows. */
import { DataError, fromJson, type RecordType, type Row } from '@millrace/core'

/**
 * Makes the function from a document's JSON values to the forms in memory of the type, in place. A value that is none
 * of its type stays as it is, and so does what the type does not name: a look-up shows what is there.
 */
export function compileShown(type: RecordType | undefined): (document: Row) => Row {
  const fields = Object.entries(type?.fields ?? {}).map(([name, field]) => ({
    name,
    read: fromJson(field.type),
    isDate: field.type.kind === 'date',
  }))
  return (document) => {
    for (const { name, read, isDate } of fields) {
      let value = Object.hasOwn(document, name) ? document[name] : null
      if (value === null || value === undefined) continue
      // Stores without dates of their own have them as midnight UTC.
      if (isDate && typeof value === 'string' && value.endsWith('T00:00:00.000Z'))
        value = value.slice(0, -'T00:00:00.000Z'.length)
      try {
        document[name] = read(value)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
      }
    }
    return document
  }
}
