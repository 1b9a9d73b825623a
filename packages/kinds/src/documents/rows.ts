/** Documents read back as rows. */
import { DataError, fromJson, type RecordType, type Row } from '@millrace/core'

/**
 * Makes the function that converts a document's JSON values to the in-memory forms of the type, in place. A value that
 * does not match its type stays as it is, and so do fields outside the type: a query shows what is stored.
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
      // Stores without a date type store dates as midnight UTC.
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
