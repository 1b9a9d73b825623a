/** Documents to rows, and from their bytes again. */
import { DataError, type Row, type SourceContext } from '@millrace/core'
import { isBsonDocument, parseExtendedJson } from '@millrace/formats'
import { rowFromBson } from './values.ts'

/** What a document turned out to be. */
export type Decoded = { readonly row: Row } | { readonly code: string; readonly message: string; readonly field?: string }

/** Makes the function that reads a document, and says what is wrong with it. */
export function compileDecoder(ctx: SourceContext): (document: Row) => Decoded {
  const read = rowFromBson(ctx.unknownFields === 'keep' ? { ...ctx.schema, open: true } : ctx.schema)
  const known = new Set([...Object.keys(ctx.schema.fields), '_id'])
  return (document) => {
    const extra = ctx.unknownFields === 'error' ? Object.keys(document).find((name) => !known.has(name)) : undefined
    if (extra !== undefined) return { code: 'unknown_field', message: `\`${extra}\` is no field of the schema`, field: extra }
    try {
      return { row: read(document) }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      const { code, message, field } = error
      return { code, message, ...(field === undefined ? {} : { field }) }
    }
  }
}

/** A document from its extended JSON; throws `DataError`. */
export function documentFromText(text: string): Row {
  let parsed: unknown
  try {
    parsed = parseExtendedJson(text)
  } catch (error) {
    throw new DataError('bad_json', `is no extended JSON: ${(error as Error).message}`)
  }
  if (isBsonDocument(parsed)) return parsed
  throw new DataError('not_object', 'is JSON, but no document')
}
