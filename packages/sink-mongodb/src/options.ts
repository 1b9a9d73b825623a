/** The options of the sink. */
import { option, type Static } from '@millrace/core'
import { documentOptions, documentWrites, onNull } from '@millrace/kinds'
import { mongodbOptions } from '@millrace/client-mongodb'

export const options = option.object({
  ...mongodbOptions,
  collection: option.text('The collection to write documents to; it is created if it does not exist.', {
    example: 'invoice-items',
  }),
  write: option.oneOf(
    documentWrites,
    '`upsert` replaces the document of the key, `insert` treats an existing key as a data error, `set` merges fields into the document, `delete` removes it.',
    { default: 'upsert' },
  ),
  ...documentOptions,
  on_null: onNull,
  id_type: option.optional(
    option.oneOf(
      ['text', 'value', 'objectid', 'uuid'],
      'With `key`: `_id` is the key as text, the value of the key field in its own type (a number, a date), or the ObjectId or UUID that its text names. Default: text, and a collection whose documents have other ids is refused.',
    ),
  ),
  collection_options: option.optional(
    option.map(
      option.any('As MongoDB expects it.'),
      "How the collection is created if it does not exist, in MongoDB's terms: validator, collation, clusteredIndex, capped.",
      { example: { collation: { locale: 'en' } } },
    ),
  ),
})
/** The resolved options. */
export type Options = Static<typeof options>
