/** Converts documents to rows, also from their bytes for replay. */
import { DataError, opened, type Row, type SourceContext, type Tally } from '@millrace/core'
import { isBsonDocument, parseExtendedJson } from '@millrace/client-mongodb'
import { rowFromBson } from './values.ts'

/** The result of decoding a document. */
export type Decoded =
  | { readonly row: Row }
  | { readonly code: string; readonly message: string; readonly field?: string }

/** Makes the function that decodes a document and reports problems. `tally`: counts the fields that are left out. */
export function compileDecoder(ctx: SourceContext, tally: Tally = { unknown: 0 }): (document: Row) => Decoded {
  const { schema, unknownFields } = ctx
  const read = rowFromBson(unknownFields === 'keep' ? opened(schema) : schema, { unknownFields, tally }, ['_id'])
  return (document) => {
    const before = tally.unknown
    try {
      return { row: read(document) }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      tally.unknown = before
      const { code, message, field } = error
      return { code, message, field }
    }
  }
}

/** A document from its extended JSON; throws `DataError`. */
export function documentFromText(text: string): Row {
  let parsed: unknown
  try {
    parsed = parseExtendedJson(text)
  } catch (error) {
    throw new DataError('bad_json', `is not extended JSON: ${(error as Error).message}`)
  }
  if (isBsonDocument(parsed)) return parsed
  throw new DataError('not_object', 'is JSON, but not a document')
}
