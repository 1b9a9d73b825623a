/** The options of the DynamoDB source. */
import { option, type Static } from '@millrace/core'
import { dynamodbOptions } from '@millrace/client-dynamodb'

export const options = option.object({
  ...dynamodbOptions,
  collection: option.text('The collection to read documents from: a table. A field `_id` of the schema gets the key.', {
    example: 'invoice-items',
  }),
})
/** The resolved options. */
export type Options = Static<typeof options>
