/** The options of the MongoDB source. */
import { option, type Static } from '@millrace/core'
import { mongodbOptions } from '@millrace/client-mongodb'

export const options = option.object({
  ...mongodbOptions,
  collection: option.text('The collection to read documents from. A field `_id` of the schema gets the key.', {
    example: 'invoice-items',
  }),
})
/** The resolved options. */
export type Options = Static<typeof options>
