/** The options of the sink. */
import { option, type Static } from '@millrace/core'
import { documentOptions, documentWrites, onNull } from '@millrace/kinds'
import { dynamodbOptions } from '@millrace/client-dynamodb'

export const options = option.object({
  ...dynamodbOptions,
  collection: option.text('The collection to write documents to: a table, which is created if it does not exist.', {
    example: 'invoice-items',
  }),
  write: option.oneOf(
    documentWrites,
    '`upsert` replaces the document of the key, `insert` treats an existing key as a data error, `set` merges fields into the document, `delete` removes it.',
    { default: 'upsert' },
  ),
  ...documentOptions,
  on_null: onNull,
  guard: option.optional(
    option.object(
      {
        field: option.field('A field whose values grow: a version, a sequence number, a time.', { example: 'version' }),
      },
      'With `write: upsert` or `set`: write a record only over a document whose value of this field is smaller, or that has none. Others are counted as not written.',
    ),
  ),
})
/** The resolved options. */
export type Options = Static<typeof options>
