/** The options of the sink. */
import { option, type Static } from '@millrace/core'
import { documentOptions, documentWrites } from '@millrace/kinds'
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
})
/** The resolved options. */
export type Options = Static<typeof options>
